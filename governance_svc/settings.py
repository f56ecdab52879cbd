"""The settings of governance, beside those of every service."""

from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr

from governance_svc.domain.policy.engine import EVALUATION_SECONDS
from governance_svc.workers.background import RECONCILE_INTERVAL
from phoenix_runtime.chassis.settings import Duration, ServiceSettings
from phoenix_runtime.core.durations import CLAIM_DURATION


class GovernanceSettings(ServiceSettings):
    """``PHOENIX_DMA_*``."""

    opa_url: str = ""
    """The REST API of the operator's own OPA server; the embedded engine where empty."""
    opa_token: SecretStr = SecretStr("")
    """The bearer token for that server."""
    opa_ca_file: Path | None = None
    """The certificate authority of that server, instead of the system's."""
    bundle: Path | None = None
    """The folder of the policy bundle; the one that is part of the service where not given."""
    development: bool = False
    """Whether one person alone may activate policy; `phoenix-dma up` sets it."""
    ledger_interval: Duration = RECONCILE_INTERVAL
    """How often every ledger is compared with what was projected and announced."""
    claim: Duration = CLAIM_DURATION
    """How long an expired approval is left to a worker that may have died on it."""
    evaluation_deadline: Duration = timedelta(seconds=EVALUATION_SECONDS)
    """How long the policy engine may take for one evaluation; no answer is a refusal."""

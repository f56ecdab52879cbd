"""What governance is told from outside, beside what every service is told."""

from pathlib import Path

from pydantic import SecretStr

from phoenix_runtime.chassis.settings import Duration, ServiceSettings
from phoenix_runtime.core.claims import CLAIM_DURATION


class GovernanceSettings(ServiceSettings):
    """``PHOENIX_DMA_*``."""

    opa_url: str = ""
    """An OPA of one's own, asked over its REST API; the embedded engine where empty."""
    opa_token: SecretStr = SecretStr("")
    """The bearer token for it."""
    opa_ca_file: Path | None = None
    """The certificate authority that it is trusted by, instead of the system's."""
    bundle: Path | None = None
    """The folder of the policy bundle; the one that comes with the service where not given."""
    claim: Duration = CLAIM_DURATION
    """How long an approval waits to expire for a worker that died on it."""

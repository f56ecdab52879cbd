"""Signs the credential of a recorded enrolment, which is stored nowhere."""

from phoenix_runtime.core.errors import NotFound
from phoenix_runtime.core.principal import Call
from registry_svc.domain.identity.enrolment import require_active
from registry_svc.domain.ports import CredentialIssuer
from registry_svc.usecases.context import RegistryContext


class SignEnrolment:
    """Signs credentials for whoever has just made the record, or repeats that call."""

    def __init__(self, context: RegistryContext, issuer: CredentialIssuer) -> None:
        self._context = context
        self._issuer = issuer

    async def __call__(self, call: Call, enrolment_id: str) -> str:
        """The credential; raises `NotPermitted` where the record was disabled meanwhile."""
        async with self._context.units.reading(call) as unit:
            record = await unit.find_enrolment(enrolment_id)
        if record is None:
            raise NotFound("enrolment", enrolment_id)
        return self._issuer.enrolment(require_active(record, call.principal), call.tenant)

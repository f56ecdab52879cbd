"""RenewCredential: the same credential with a later expiry."""

from phoenix_runtime.core.errors import NotPermitted
from phoenix_runtime.core.principal import Call, Principal
from registry_svc.domain.identity.enrolment import Credential, renewed_principal, require_renewable
from registry_svc.domain.identity.records import PREFIX, is_disabled
from registry_svc.domain.ports import CredentialIssuer
from registry_svc.usecases.context import RegistryContext


class RenewCredential:
    """Renews credentials.

    Raises `NotPermitted`, audited, for a participant that is SUSPENDED, RETIRED or another, and
    where the enrolment is disabled. A role that was revoked is left out.
    """

    def __init__(self, context: RegistryContext, issuer: CredentialIssuer) -> None:
        self._context = context
        self._issuer = issuer

    async def __call__(self, call: Call) -> Credential:
        """Issue a credential for the caller's own principal."""
        try:
            principal = await self._renewed(call)
        except NotPermitted as refused:
            await self._context.access.refused(call, "identity.renew", refused.facts)
            raise
        return self._issuer.issue(principal)

    async def _renewed(self, call: Call) -> Principal:
        principal = call.principal
        held = principal.descent.credential
        async with self._context.units.reading(call) as unit:
            if principal.participant:
                known = await unit.find_participant(principal.participant)
                require_renewable(known, principal)
            if held.startswith(f"{PREFIX}."):
                return renewed_principal(principal, await unit.find_enrolment(held))
            if is_disabled(await unit.enrolments_of(principal.subject)):
                return renewed_principal(principal, None)
        return principal

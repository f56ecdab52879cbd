"""RenewCredential: the same credential with a later expiry."""

from phoenix_runtime.core.errors import NotPermitted
from phoenix_runtime.core.principal import Call
from registry_svc.domain.enrolment import Credential, require_renewable
from registry_svc.domain.ports import CredentialIssuer
from registry_svc.usecases.context import RegistryContext


class RenewCredential:
    """Renews credentials.

    Raises `NotPermitted`, audited, for a participant that is SUSPENDED, RETIRED or another.
    """

    def __init__(self, context: RegistryContext, issuer: CredentialIssuer) -> None:
        self._context = context
        self._issuer = issuer

    async def __call__(self, call: Call) -> Credential:
        """Issue a credential for the caller's own principal."""
        principal = call.principal
        if principal.participant:
            known = await self._context.find(call, principal.participant)
            try:
                require_renewable(known, principal)
            except NotPermitted as refused:
                await self._context.access.refused(call, "identity.renew", refused.facts)
                raise
        return self._issuer.issue(principal)

"""RenewCredential: the same credential with a later expiry."""

from phoenix_runtime.core.errors import NotPermitted
from phoenix_runtime.core.principal import Call
from registry_svc.domain.identity.enrolment import Credential
from registry_svc.domain.ports import CredentialIssuer
from registry_svc.usecases.context import RegistryContext
from registry_svc.usecases.present_caller import present_principal


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
            principal = await present_principal(self._context, call)
        except NotPermitted as refused:
            await self._context.access.refused(call, "identity.renew", refused.facts)
            raise
        return self._issuer.issue(principal)

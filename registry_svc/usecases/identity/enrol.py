"""Enrol: exchanges an enrolment credential for a short-lived one."""

from phoenix_runtime.core.errors import NotPermitted
from phoenix_runtime.core.principal import Call
from registry_svc.domain.enrolment import (
    Credential,
    EnrolmentRequest,
    enrolled_principal,
    parse_enrolment,
    require_enrollable,
)
from registry_svc.domain.ports import CredentialIssuer
from registry_svc.usecases.context import RegistryContext


class Enrol:
    """Issues credentials for enrolments.

    Raises `FieldInvalid`, and `NotPermitted`, audited, beyond what the enrolment permits.
    """

    def __init__(self, context: RegistryContext, issuer: CredentialIssuer) -> None:
        self._context = context
        self._issuer = issuer

    async def __call__(self, call: Call, raw: EnrolmentRequest) -> Credential:
        """Issue a credential for what the enrolment permits."""
        request = parse_enrolment(raw)
        try:
            principal = enrolled_principal(call.principal, request)
            if request.participant_id:
                known = await self._context.find(call, request.participant_id)
                require_enrollable(known, request)
        except NotPermitted as refused:
            await self._context.access.refused(call, "identity.enrol", refused.facts)
            raise
        return self._issuer.issue(principal)

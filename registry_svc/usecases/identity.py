"""Enrol, RenewCredential, GetJwks: short-lived credentials of the local issuer."""

from phoenix_runtime.core.errors import NotPermitted
from phoenix_runtime.core.principal import Call
from registry_svc.domain.enrolment import (
    Credential,
    EnrolmentRequest,
    enrolled,
    parse_enrolment,
    require_free_for,
    require_same,
)
from registry_svc.domain.ports import Issuer
from registry_svc.usecases.parts import Parts


class Enrol:
    """Raises `FieldInvalid`, and `NotPermitted`, audited, for more than the enrolment holds."""

    def __init__(self, parts: Parts, issuer: Issuer) -> None:
        self._parts = parts
        self._issuer = issuer

    async def __call__(self, call: Call, raw: EnrolmentRequest) -> Credential:
        """Exchange an enrolment credential for a short-lived one."""
        request = parse_enrolment(raw)
        try:
            principal = enrolled(call.principal, request)
            if request.participant_id:
                known = await self._parts.registry.get(call.tenant, request.participant_id)
                require_free_for(known, request)
        except NotPermitted as refused:
            await self._parts.access.refused(call, "identity.enrol", refused.facts)
            raise
        return self._issuer.issue(principal)


class RenewCredential:
    """Raises `NotPermitted`, audited, for one that is SUSPENDED, RETIRED or somebody else's."""

    def __init__(self, parts: Parts, issuer: Issuer) -> None:
        self._parts = parts
        self._issuer = issuer

    async def __call__(self, call: Call) -> Credential:
        """The same credential, for another quarter of an hour."""
        principal = call.principal
        if principal.participant:
            known = await self._parts.registry.get(call.tenant, principal.participant)
            try:
                require_same(known, principal)
            except NotPermitted as refused:
                await self._parts.access.refused(call, "identity.renew", refused.facts)
                raise
        return self._issuer.issue(principal)


class GetJwks:
    """The public keys; anybody may have them."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer

    async def __call__(self) -> str:
        """A JWKS document."""
        return self._issuer.jwks()

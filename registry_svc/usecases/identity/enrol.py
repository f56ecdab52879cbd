"""Enrol: exchanges an enrolment credential for a short-lived one."""

from phoenix_runtime.core.errors import NotPermitted
from phoenix_runtime.core.principal import Call, Principal
from registry_svc.domain.identity import events as identity_events
from registry_svc.domain.identity.enrolment import (
    Credential,
    EnrolmentRequest,
    choosable,
    enrolled_principal,
    parse_enrolment,
    recorded_principal,
    require_active,
    require_enrollable,
    require_enrolled,
)
from registry_svc.domain.identity.records import HUMAN, PREFIX, Enrolment, EnrolmentKind
from registry_svc.domain.ports import CredentialIssuer, Unit
from registry_svc.usecases.context import RegistryContext


class Enrol:
    """Issues credentials for enrolments: recorded ones, for one identity, and the issuer's own.

    Raises `FieldInvalid`, and `NotPermitted`, audited, beyond what the enrolment permits.
    """

    def __init__(self, context: RegistryContext, issuer: CredentialIssuer) -> None:
        self._context = context
        self._issuer = issuer

    async def __call__(self, call: Call, raw: EnrolmentRequest) -> Credential:
        """Issue a credential for what the enrolment permits."""
        request = parse_enrolment(raw)
        try:
            if call.principal.descent.credential.startswith(f"{PREFIX}."):
                principal = await self._recorded(call, request)
            else:
                principal = await self._by_issuer(call, request)
        except NotPermitted as refused:
            await self._context.access.refused(call, "identity.enrol", refused.facts)
            raise
        return self._issuer.issue(principal)

    async def _recorded(self, call: Call, request: EnrolmentRequest) -> Principal:
        """The one identity of the caller's enrolment, which the first request may choose."""
        async with self._context.units.reading(call) as unit:
            record = await unit.find_enrolment(call.principal.descent.credential)
        record = require_active(record, call.principal)
        if choosable(record, request):
            record = await self._chosen(call, record, request)
        principal = recorded_principal(call.principal, record, request)
        if principal.participant:
            await self._require_enrollable(call, _own(record))
        return principal

    async def _chosen(self, call: Call, record: Enrolment, request: EnrolmentRequest) -> Enrolment:
        """The record with the participant that the request names, for ever."""
        await self._require_enrollable(call, request)
        identity = request.participant_id
        async with self._context.units(call) as unit:
            await unit.lock_new_identity(identity)
            others = await unit.enrolments_of(identity)
            require_enrolled(identity, others, EnrolmentKind.PARTICIPANT)
            before = require_active(await unit.lock_enrolment(record.enrolment_id), call.principal)
            if before.identity:
                return before  # another request was faster, perhaps for another participant
            at = self._context.clock.now()
            after = before.chosen(identity, request.owner, request.participant_type, at)
            await unit.audit(identity_events.enrolled(after, before))
            await unit.save_enrolment(after)
        return after

    async def _by_issuer(self, call: Call, request: EnrolmentRequest) -> Principal:
        """Whatever the issuer's own enrolment covers; a person's credential is audited."""
        principal = enrolled_principal(call.principal, request)
        if not request.participant_id:
            return principal
        await self._require_enrollable(call, request)
        async with self._context.units.reading(call) as unit:
            await _require_known_kind(unit, request)
        if request.participant_type == HUMAN and principal.borrowed:
            aggregate = f"{PREFIX}/{self._context.new_id(PREFIX)}"
            async with self._context.units(call) as unit:
                await unit.audit(identity_events.person_enrolled(principal, aggregate))
        return principal

    async def _require_enrollable(self, call: Call, request: EnrolmentRequest) -> None:
        require_enrollable(await self._context.find(call, request.participant_id), request)


async def _require_known_kind(unit: Unit, request: EnrolmentRequest) -> None:
    human = request.participant_type == HUMAN
    kind = EnrolmentKind.PERSON if human else EnrolmentKind.PARTICIPANT
    records = await unit.enrolments_of(request.participant_id)
    require_enrolled(request.participant_id, records, kind)
    if human and records:
        raise NotPermitted(
            f"{request.participant_id} has a credential of their own",
            {"participant_id": request.participant_id},
            remedy="Use their own profile; an operator makes a new one with `phoenix-dma user "
            f"add {request.participant_id}`.",
        )


def _own(record: Enrolment) -> EnrolmentRequest:
    return EnrolmentRequest(
        participant_id=record.identity,
        owner=record.owner,
        participant_type=record.participant_type,
    )

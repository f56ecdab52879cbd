"""Certifies a participant for a capability, or its owner."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from governance_svc.domain.catalogue.catalogue import Catalogue, Kind
from governance_svc.domain.ports import Units
from governance_svc.domain.trust.certification import (
    Certification,
    CertificationRequest,
    Method,
    granted,
    own_because,
    same_hand_because,
)
from governance_svc.domain.trust.certification_events import granted_event
from governance_svc.usecases.trust.assess_trust import AssessTrust
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.errors import FieldInvalid, NotPermitted, Violation
from phoenix_runtime.core.events import ReasonCode
from phoenix_runtime.core.ids import NO_ID, NewId, is_identifier
from phoenix_runtime.core.ports import AccessLog
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.receipt import Receipt

OWN_PROFILE = (
    "An agent that runs with an operator's profile needs one of its own: `phoenix-dma run`, or "
    "`phoenix-dma enrol participant`."
)
MAX_TEXT = 4096
"""The longest evidence, or reason of a revocation, in characters."""


@dataclass(frozen=True, slots=True)
class CertificationResult:
    """The certification, with the proof of the change."""

    certification: Certification
    receipt: Receipt


class GrantCertification:
    """Certifies a participant; never by itself, by its owner, or by whom either has enrolled."""

    def __init__(
        self,
        units: Units,
        trust: AssessTrust,
        access: AccessLog,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._units = units
        self._trust = trust
        self._access = access
        self._clock = clock
        self._new_id = new_id

    async def __call__(self, call: Call, request: CertificationRequest) -> CertificationResult:
        """Raises `FieldInvalid`, and `NotPermitted`, audited, for who certifies its own.

        That is the participant itself, its owner, whom either has enrolled, and who holds the
        credential of either, or was enrolled through it: the same hand behind another name.
        """
        now = self._clock.now()
        violations = list(_violations(request, self._trust.catalogue(call.tenant), now))
        if violations:
            raise FieldInvalid(violations)
        await self._check_certifier(call, request)
        certification = granted(
            request, certification_id=self._new_id("cert"), granted_by=call.principal, at=now
        )
        async with self._units(call) as unit:
            receipt = await unit.audit(granted_event(certification))
            certification = certification.recorded(receipt.audit_event_id)
            await unit.add_certification(certification)
            result = CertificationResult(certification, receipt)
            await unit.remember(result)
        self._trust.forget(call.tenant, [request.participant_id])
        return result

    async def _check_certifier(self, call: Call, request: CertificationRequest) -> None:
        party = await self._trust.party(call, request.participant_id)
        who, owner = party.participant, party.owner
        named = own_because(party, call.principal)
        because = named or same_hand_because(party, call.principal)
        if not because:
            return
        facts = {"participant": who, **({"owner": owner} if owner else {})}
        reason = ReasonCode.CREDENTIAL_MISUSED if named else ReasonCode.SAME_DESCENT
        tried = "certification.grant"
        await self._access.refused(call, tried, {**facts, "because": because}, reason)
        others = f"{who} or its owner {owner}" if owner else who
        remedy = f"Have somebody else certify: an operator or a reviewer not enrolled by {others}."
        raise NotPermitted(because, facts, remedy=remedy if named else f"{remedy} {OWN_PROFILE}")


def _violations(
    request: CertificationRequest, catalogue: Catalogue, now: datetime
) -> Iterator[Violation]:
    if not is_identifier(request.participant_id):
        yield Violation("participant_id", NO_ID)
    if request.capability and request.capability not in catalogue.names(Kind.CAPABILITY):
        nearest = catalogue.nearest(Kind.CAPABILITY, request.capability)
        suggestion = f"; did you mean {nearest}?" if nearest else ""
        yield Violation("capability", f"is not in the catalogue{suggestion}")
    if request.method not in tuple(Method):
        yield Violation("method", "is human, test_suite or model_evaluation")
    if not request.evidence.strip() or len(request.evidence) > MAX_TEXT:
        text = f"say what it rests on, in at most {MAX_TEXT} characters"
        yield Violation("evidence", text)
    if not 0.0 < request.coverage <= 1.0:
        yield Violation("coverage", "is above 0 and at most 1")
    if request.valid_until is not None and request.valid_until <= now:
        yield Violation("expire_time", "is not in the future")

"""Grants and takes back certifications, and lists them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from governance_svc.domain.catalogue.catalogue import Catalogue, Kind
from governance_svc.domain.ports import CertificationReader, Units
from governance_svc.domain.trust.certification import Certification, Method
from governance_svc.domain.trust.certification_events import granted_event, revoked_event
from governance_svc.usecases.trust.assess_trust import AssessTrust
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.errors import (
    FieldInvalid,
    IllegalTransition,
    NotFound,
    NotPermitted,
    Violation,
)
from phoenix_runtime.core.ids import NO_ID, NewId, is_identifier
from phoenix_runtime.core.pages import Page, page_request
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.receipt import Receipt

DEFAULT_LIFE = timedelta(days=365)
LONGEST_TEXT = 4096


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is to be certified. An empty ``capability`` certifies the participant's owner."""

    participant_id: str
    capability: str
    method: str
    evidence: str
    coverage: float = 1.0
    expire_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Certified:
    """The certification, with the proof of the change."""

    certification: Certification
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Desk:
    """Time and ids."""

    clock: Clock
    new_id: NewId


class GrantCertification:
    """Somebody vouches for a participant; never the participant for itself."""

    def __init__(
        self, units: Units, trust: AssessTrust, catalogue: Callable[[], Catalogue], desk: Desk
    ) -> None:
        self._units = units
        self._trust = trust
        self._catalogue = catalogue
        self._desk = desk

    async def __call__(self, call: Call, wanted: Certificate) -> Certified:
        """Raises `FieldInvalid` for what cannot be, `NotPermitted` for who certifies itself."""
        now = self._desk.clock.now()
        violations = list(_faults(wanted, self._catalogue(), now))
        if violations:
            raise FieldInvalid(violations)
        if wanted.participant_id in {call.principal.participant, call.actor}:
            raise NotPermitted("Nobody certifies itself", {"participant": wanted.participant_id})
        granted = self._granted(call, wanted, now)
        async with self._units(call) as unit:
            receipt = await unit.audit(granted_event(granted))
            granted = replace(granted, event_id=receipt.audit_event_id)
            await unit.add_certification(granted)
            answer = Certified(granted, receipt)
            await unit.remember(answer)
        self._trust.forget(call.tenant, [wanted.participant_id])
        return answer

    def _granted(self, call: Call, wanted: Certificate, now: datetime) -> Certification:
        return Certification(
            certification_id=self._desk.new_id("cert"),
            participant_id=wanted.participant_id,
            capability=wanted.capability,
            method=Method(wanted.method),
            evidence=wanted.evidence,
            coverage=wanted.coverage,
            granted_by=call.actor,
            grant_time=now,
            expire_time=wanted.expire_time or now + DEFAULT_LIFE,
        )


class RevokeCertification:
    """Takes a certification back; what lapsed by itself can still be revoked."""

    def __init__(self, units: Units, trust: AssessTrust, clock: Clock) -> None:
        self._units = units
        self._trust = trust
        self._clock = clock

    async def __call__(self, call: Call, certification_id: str, reason: str) -> Certified:
        """Raises `NotFound`, `IllegalTransition` where it is revoked already, `FieldInvalid`."""
        if not reason.strip() or len(reason) > LONGEST_TEXT:
            text = f"say why, in at most {LONGEST_TEXT} characters"
            raise FieldInvalid([Violation("reason", text)])
        async with self._units(call) as unit:
            found = await unit.certification(certification_id)
            if found is None:
                raise NotFound("certification", certification_id)
            if found.revoke_time is not None:
                raise IllegalTransition(
                    kind="certification", source="revoked", verb="revoke", allowed=()
                )
            revoked = replace(found, revoke_time=self._clock.now(), version=found.version + 1)
            await unit.revoke_certification(revoked)
            receipt = await unit.audit(revoked_event(revoked, reason))
            answer = Certified(revoked, receipt)
            await unit.remember(answer)
        self._trust.forget(call.tenant, [revoked.participant_id])
        return answer


class ListCertifications:
    """Certifications, newest first; lapsed and revoked ones too."""

    def __init__(self, certifications: CertificationReader) -> None:
        self._certifications = certifications

    async def __call__(
        self, call: Call, participant_id: str, page_size: int, page_token: str
    ) -> Page[Certification]:
        """A page; raises `FieldInvalid` for a token of another list."""
        page = page_request(page_size, page_token, {"certifications": participant_id})
        return await self._certifications.page(call.tenant, participant_id, page)


def _faults(wanted: Certificate, catalogue: Catalogue, now: datetime) -> Iterator[Violation]:
    if not is_identifier(wanted.participant_id):
        yield Violation("participant_id", NO_ID)
    if wanted.capability and wanted.capability not in catalogue.names(Kind.CAPABILITY):
        nearest = catalogue.nearest(Kind.CAPABILITY, wanted.capability)
        bus_event = f"; did you mean {nearest}?" if nearest else ""
        yield Violation("capability", f"is not in the catalogue{bus_event}")
    if wanted.method not in tuple(Method):
        yield Violation("method", "is human, test_suite or model_evaluation")
    if not wanted.evidence.strip() or len(wanted.evidence) > LONGEST_TEXT:
        text = f"say what it rests on, in at most {LONGEST_TEXT} characters"
        yield Violation("evidence", text)
    if not 0.0 < wanted.coverage <= 1.0:
        yield Violation("coverage", "is above 0 and at most 1")
    if wanted.expire_time is not None and wanted.expire_time <= now:
        yield Violation("expire_time", "is not in the future")

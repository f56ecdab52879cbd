"""What beats and silences change: many participants in one transaction, one event for each."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Final

from phoenix_runtime.core.events import ReasonCode
from phoenix_runtime.core.standing import ParticipantStatus
from registry_svc.domain.lease import LeaseTerms
from registry_svc.domain.lifecycle import LEASE_WORKER, LIFECYCLE, PARTICIPANT
from registry_svc.domain.losses import health_draft
from registry_svc.domain.participant import Participant
from registry_svc.domain.ports import Leases, RegistryUnit
from registry_svc.domain.presence import Loss, Presence
from registry_svc.domain.vigil import Vigil
from registry_svc.domain.vitals import Tally
from registry_svc.usecases.attend import GONE, learn
from registry_svc.usecases.parts import Parts, chunks

SUMMARY_SECONDS: Final = 3600.0

Step = Callable[[Participant, Presence], tuple[Participant, ReasonCode] | None]


class HealthNotes:
    """Writes health events and keeps memory in step with what was committed."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def note(self, presences: Iterable[Presence], step: Step) -> None:
        """Apply ``step`` to each that is still the newest generation; None leaves it as it is."""
        by_tenant: defaultdict[str, list[Presence]] = defaultdict(list)
        for presence in presences:
            by_tenant[presence.key.tenant].append(presence)
        for tenant, members in by_tenant.items():
            for chunk in chunks(members):
                await self._note(tenant, chunk, step)

    async def _note(self, tenant: str, presences: list[Presence], step: Step) -> None:
        now = self._parts.clock.monotonic()
        told: list[tuple[Presence, Tally]] = []
        async with self._parts.units(self._parts.own_call(tenant)) as unit:
            rows = await unit.lock([one.key.participant_id for one in presences])
            kept = [(one, rows.get(one.key.participant_id)) for one in presences]
            changed = []
            for presence, row in kept:
                after = await self._step(unit, presence, row, step)
                if after is not None:
                    changed.append(after)
                    told.append((presence, presence.tally(now)))
            await unit.save(changed)
        for presence, tally in told:
            presence.told(tally, now)
        newest = {one.id: one for one in changed}
        for presence, row in kept:
            self._learn(presence, newest.get(presence.key.participant_id, row))

    async def _step(
        self, unit: RegistryUnit, presence: Presence, row: Participant | None, step: Step
    ) -> Participant | None:
        if row is None or row.generation != presence.generation:
            return None
        taken = step(row, presence)
        if taken is None:
            return None
        after, reason = taken
        tally = presence.tally(self._parts.clock.monotonic())
        await unit.audit(health_draft(row, after, reason, tally, presence.state.value))
        return after

    def _learn(self, presence: Presence, row: Participant | None) -> None:
        """What PostgreSQL has is what memory has from now on."""
        attendance = self._parts.attendance
        if row is None:
            attendance.drop(presence.lease, Loss.UNKNOWN, "There is no such participant.")
        else:
            learn(attendance, presence, row)


class SettleHealth:
    """beat_serving and beat_degraded: the states that the last beats ask for."""

    def __init__(self, parts: Parts, notes: HealthNotes) -> None:
        self._parts = parts
        self._notes = notes
        self._one_at_a_time = asyncio.Lock()

    async def __call__(self) -> None:
        """Commit what has come up; what could not be committed comes up again."""
        async with self._one_at_a_time:
            waiting = self._parts.attendance.take_unsettled()
            try:
                await self._notes.note(waiting, self._step)
            except BaseException:
                self._parts.attendance.unsettle(one for one in waiting if one.wanted)
                raise

    def _step(self, row: Participant, presence: Presence) -> tuple[Participant, ReasonCode] | None:
        presence.status = row.status
        verb = presence.wanted
        if not verb:
            return None
        at = self._parts.clock.now()
        return row.moved(verb, PARTICIPANT, at=at), ReasonCode.HEALTH_REPORTED


class NoticeSilence:
    """miss: an ACTIVE participant that was silent for longer than an interval is DEGRADED."""

    def __init__(
        self, parts: Parts, notes: HealthNotes, silence: "Silence", terms: LeaseTerms
    ) -> None:
        self._parts = parts
        self._notes = notes
        self._silence = silence
        self._terms = terms

    async def __call__(self) -> None:
        """Look once. Raises `Unavailable`."""
        await self._notes.note(await self._silence(), self._step)

    def _step(self, row: Participant, presence: Presence) -> tuple[Participant, ReasonCode] | None:
        # A beat may have come while the row was waited for.
        silent = self._parts.clock.monotonic() - presence.lease_from > self._terms.missed_after
        if not silent or not LIFECYCLE.can(row.status, "miss"):
            return None
        reason = ReasonCode.HEARTBEAT_MISSED
        after = row.moved("miss", LEASE_WORKER, at=self._parts.clock.now(), reason=reason)
        return after, reason


class Silence:
    """Who has been silent everywhere: who is not heard here may be heard by another replica."""

    def __init__(self, parts: Parts, leases: Leases, vigil: Vigil, terms: LeaseTerms) -> None:
        self._parts = parts
        self._leases = leases
        self._vigil = vigil
        self._terms = terms

    async def __call__(self) -> list[Presence]:
        """The ACTIVE who have missed a beat. Raises `Unavailable`.

        A silence during a stall of our own is nobody's. Whose deadline is later than ours would be
        was heard elsewhere; who has no stream here is there now, and is forgotten. What we wrote
        ourselves may lie later too, by as much as a deadline may be written behind.
        """
        attendance = self._parts.attendance
        before = self._parts.clock.monotonic() - self._terms.missed_after
        if self._vigil.floor >= before:
            return []
        silent = attendance.overdue(before)
        left = await self._leases.left([one.lease for one in silent]) if silent else {}
        now = self._parts.clock.monotonic()
        missing = []
        for presence in silent:
            heard = min(now, now + left.get(presence.lease, 0.0) - self._terms.ttl)
            if heard > presence.lease_from + self._terms.margin:
                attendance.elsewhere(presence, heard)
            if heard < before:
                missing.append(presence)
        return missing


class SummariseHealth:
    """An hourly event for each that is here: what trust's runtime health rests on."""

    def __init__(self, parts: Parts, notes: HealthNotes, *, every: float = SUMMARY_SECONDS) -> None:
        self._parts = parts
        self._notes = notes
        self._every = every

    async def __call__(self) -> None:
        """Tell of everybody whose beats were last told of an hour ago."""
        before = self._parts.clock.monotonic() - self._every
        due = [one for one in self._parts.attendance if one.leased and one.tally_from <= before]
        await self._notes.note(due, self._step)

    def _step(self, row: Participant, _: Presence) -> tuple[Participant, ReasonCode] | None:
        here = row.status not in {ParticipantStatus.FAILED, *GONE}
        return (row.noted(), ReasonCode.SUMMARY) if here else None

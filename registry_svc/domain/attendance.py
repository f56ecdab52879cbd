"""Who is here right now, and what their beats ask for. Memory only; PostgreSQL says who is."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import replace

from phoenix_runtime.core.standing import ParticipantStatus
from registry_svc.domain.presence import Key, LeaseKey, Line, Loss, Presence
from registry_svc.domain.vitals import UNSEEN, Report, Vitals, newer


class Attendance:
    """Everybody who is here, the longest silent first. ``interval`` is in seconds."""

    def __init__(self, *, interval: float) -> None:
        self._interval = interval
        self._here: dict[Key, Presence] = {}
        self._order: OrderedDict[Presence, None] = OrderedDict()
        self._beaten: dict[Presence, None] = {}
        self._unsettled: dict[Key, Presence] = {}
        self._trust: OrderedDict[Key, float] = OrderedDict()
        self._distant: OrderedDict[Key, Vitals] = OrderedDict()

    def __len__(self) -> int:
        return len(self._here)

    def __iter__(self) -> Iterator[Presence]:
        return iter(list(self._here.values()))

    def get(self, key: Key) -> Presence | None:
        """The newest generation that is here."""
        return self._here.get(key)

    def vitals(self, key: Key) -> Vitals:
        """The newest that is known of a participant."""
        presence, trust = self._here.get(key), self._trust.get(key)
        here = UNSEEN if presence is None else presence.vitals(None)
        return replace(newer(here, self._distant.get(key, UNSEEN)), trust=trust)

    def connected(self, key: Key) -> bool:
        """Whether a stream carries it here."""
        presence = self._here.get(key)
        return presence is not None and presence.line is not None

    def expect(
        self, lease: LeaseKey, status: ParticipantStatus, *, leased: bool, now: float
    ) -> Presence:
        """The presence of ``lease``; made where it is new. Its lease runs from ``now`` on.

        An older generation stays on its line until the newer one attaches.
        """
        known = self._here.get(lease.key)
        if known is not None and known.generation == lease.generation:
            self.became(known, status)
            return known
        presence = Presence(lease, status, leased=leased)
        presence.begin(now, self._interval)
        if known is not None:
            presence.older, known.newest = known, False
            self._order.pop(known, None)
        self._here[lease.key] = presence
        self._order[presence] = self._beaten[presence] = None
        return presence

    def attach(self, presence: Presence, line: Line, slot: int) -> None:
        """Put ``presence`` on a line; whoever held it before is superseded for good."""
        for held in (presence.older, presence):
            if held is not None and held.line is not None:
                text = "A newer session of this participant is attached."
                held.line.lose(held.slot, Loss.SUPERSEDED, held.key.participant_id, text)
                held.line = None
        presence.older = None
        presence.line, presence.slot, presence.suspect = line, slot, False
        presence.in_flight.clear()

    def detach(self, presence: Presence, line: Line) -> None:
        """Its stream is gone: a suspect mark, not a state (a restart must not write thousands)."""
        if presence.line is line:
            presence.line, presence.slot, presence.suspect = None, -1, True
            presence.in_flight.clear()

    def beat(self, presence: Presence, now: float, report: Report) -> None:
        """Take one beat and what it says."""
        presence.tell(report.load, report.state, report.latency)
        self.beat_all((presence,), now)

    def beat_all(self, presences: Iterable[Presence | None], now: float) -> bool:
        """Take a beat of each, at ``now``; true where one asks for another state.

        Memory only, and the one place where every nanosecond counts: thousands a message.
        """
        interval = int(now / self._interval)
        move, beaten, asking = self._order.move_to_end, self._beaten, False
        for presence in presences:
            if presence is None:
                continue
            presence.last_beat = presence.lease_from = now
            if presence.counted != interval:
                presence.counted = interval
                presence.kept += 1
            if presence.newest:
                move(presence)
                beaten[presence] = None
                if not presence.settled:
                    self._unsettled[presence.key] = presence
                    asking = True
        return asking

    def elsewhere(self, presence: Presence, heard: float) -> None:
        """Another replica heard it at ``heard`` (monotonic), later than this one did.

        Without a stream it is not here any more; with one its lease runs from there, and that
        deadline is written already.
        """
        presence.lease_from = heard
        if presence.line is None:
            self.heard_of(presence.key, presence.vitals(None))
            self.drop(presence.lease, Loss.SUPERSEDED, "It is heard elsewhere.")
        elif presence.newest:
            self._order.move_to_end(presence)

    def heard_of(self, key: Key, vitals: Vitals, most: int = 200_000) -> None:
        """Remember what a beat said that another replica heard."""
        self._distant[key] = newer(vitals, self._distant.get(key, UNSEEN))
        self._distant.move_to_end(key)
        while len(self._distant) > most:
            self._distant.popitem(last=False)

    def spare(self, presence: Presence, now: float) -> None:
        """Its lease runs from ``now`` on, although it has not beaten: it could not be heard."""
        presence.lease_from = now
        if presence.newest:
            self._order.move_to_end(presence)
            self._beaten[presence] = None

    def renew(self, presence: Presence) -> None:
        """Its deadline has to be written again: the lease store knows less than we do."""
        self._beaten[presence] = None

    def became(self, presence: Presence, status: ParticipantStatus) -> None:
        """PostgreSQL has ``status`` for it now."""
        presence.status = status
        presence.settled = not presence.wanted

    def drop(self, lease: LeaseKey, loss: Loss, text: str) -> None:
        """``lease`` and what is older are not here any more; their lines are told why."""
        presence = self._here.get(lease.key)
        while presence is not None and presence.generation > lease.generation:
            presence = presence.older
        if presence is not None and self._here.get(lease.key) is presence:
            del self._here[lease.key]
            self._unsettled.pop(lease.key, None)
        while presence is not None:
            presence.newest = False
            self._order.pop(presence, None)
            if presence.line is not None:
                presence.line.lose(presence.slot, loss, lease.participant_id, text)
                presence.line = None
            self._beaten.pop(presence, None)
            presence = presence.older

    def take_beaten(self) -> list[Presence]:
        """Whose deadlines have to be written; the caller puts back what it could not write."""
        taken, self._beaten = self._beaten, {}
        return list(taken)

    def put_back(self, beaten: Iterable[Presence]) -> None:
        """Their deadlines are still to be written."""
        self._beaten.update(dict.fromkeys(beaten))

    def take_unsettled(self) -> list[Presence]:
        """Whose state has to change; each beat puts them back while it still does."""
        taken, self._unsettled = self._unsettled, {}
        return [presence for presence in taken.values() if presence.wanted]

    def unsettle(self, presences: Iterable[Presence]) -> None:
        """Their state could not be changed just now; it is still to be."""
        for presence in presences:
            self._unsettled.setdefault(presence.key, presence)

    def overdue(self, before: float) -> list[Presence]:
        """The ACTIVE who have been silent since ``before`` (monotonic), as far as is known here."""
        found = []
        for presence in self._order:
            if presence.lease_from >= before:
                break  # the longest silent come first
            if presence.leased and presence.status is ParticipantStatus.ACTIVE:
                found.append(presence)
        return found

    def judged(self, tenant: str, trust: Iterable[tuple[str, float]], most: int = 200_000) -> None:
        """Remember what the last decision found of each participant's trust."""
        for participant_id, value in trust:
            key = Key(tenant, participant_id)
            self._trust[key] = value
            self._trust.move_to_end(key)
        while len(self._trust) > most:
            self._trust.popitem(last=False)

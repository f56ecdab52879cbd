"""The sessions of this replica, and what their heartbeats ask for.

It lives in memory only: PostgreSQL is the truth of every participant's state.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Final, TypeVar

from phoenix_runtime.core.standing import ParticipantStatus
from registry_svc.domain.health import UNKNOWN_HEALTH, Health, HealthReport, latest
from registry_svc.domain.session import (
    LeaseKey,
    LeaseLostReason,
    ParticipantKey,
    Session,
    SessionStream,
)

K = TypeVar("K")
T = TypeVar("T")

MOST_REMEMBERED: Final = 200_000
"""Participants without a session here whose trust or health is remembered."""


class SessionTable:
    """Every session, the longest silent first. ``interval`` between heartbeats is in seconds."""

    def __init__(self, *, interval: float) -> None:
        self._interval = interval
        self._sessions: dict[ParticipantKey, Session] = {}
        self._by_silence: OrderedDict[Session, None] = OrderedDict()
        self._renewed: dict[Session, None] = {}
        self._transitions_due: dict[ParticipantKey, Session] = {}
        self._trust: OrderedDict[ParticipantKey, float] = OrderedDict()
        self._remote: OrderedDict[ParticipantKey, Health] = OrderedDict()
        self._heard: dict[Session, None] = {}
        self._moved: dict[ParticipantKey, None] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._sessions.values()))

    def get(self, key: ParticipantKey) -> Session | None:
        """The session of the newest generation, where there is one."""
        return self._sessions.get(key)

    def health(self, key: ParticipantKey) -> Health:
        """The newest known health of a participant, whichever replica received it."""
        session, trust = self._sessions.get(key), self._trust.get(key)
        local = UNKNOWN_HEALTH if session is None else session.health(None)
        return replace(latest(local, self._remote.get(key, UNKNOWN_HEALTH)), trust=trust)

    def connected(self, key: ParticipantKey) -> bool:
        """Whether the participant is attached to a stream of this replica."""
        session = self._sessions.get(key)
        return session is not None and session.stream is not None

    def open_session(
        self, lease: LeaseKey, status: ParticipantStatus, *, leased: bool, now: float
    ) -> Session:
        """The session of ``lease``; a new one, whose lease runs from ``now``, where there is none.

        An older generation stays on its stream until the newer one attaches.
        """
        known = self._sessions.get(lease.key)
        if known is not None and known.generation == lease.generation:
            self.set_status(known, status)
            return known
        session = Session(lease, status, leased=leased)
        session.start_counting(now, self._interval)
        if known is not None:
            session.previous, known.newest = known, False
            self._by_silence.pop(known, None)
        self._sessions[lease.key] = session
        self._by_silence[session] = self._renewed[session] = self._heard[session] = None
        return session

    def attach(self, session: Session, stream: SessionStream, slot: int) -> None:
        """Put ``session`` on a stream, and supersede it on the stream that had it before."""
        for held in (session.previous, session):
            if held is not None and held.stream is not None:
                text = "A newer session of this participant is attached."
                reason = LeaseLostReason.SUPERSEDED
                held.stream.revoke(held.slot, reason, held.key.participant_id, text)
                held.stream = None
        session.previous = None
        session.stream, session.slot, session.suspect = stream, slot, False
        self._heard[session] = None
        session.in_flight.clear()

    def detach(self, session: Session, stream: SessionStream) -> None:
        """Mark ``session`` as suspect: its stream closed.

        It is no state: a restart of a gateway must not write thousands of audit events.
        """
        if session.stream is stream:
            session.stream, session.slot, session.suspect = None, -1, True
            self._heard[session] = None
            session.in_flight.clear()

    def record_beat(self, session: Session, now: float, report: HealthReport) -> None:
        """Record one heartbeat at ``now`` and what it reports."""
        session.report(report.load, report.state, report.latency)
        self.record_beats((session,), now)

    def record_beats(self, sessions: Iterable[Session | None], now: float) -> bool:
        """Record a heartbeat of each session at ``now``; true where one asks for another state.

        Memory only, and the one place where every nanosecond counts: thousands a message.
        """
        interval = int(now / self._interval)
        move, renewed, heard = self._by_silence.move_to_end, self._renewed, self._heard
        asking = False
        for session in sessions:
            if session is None:
                continue
            session.last_beat = session.lease_from = now
            if session.counted_interval != interval:
                session.counted_interval = interval
                session.kept += 1
            if session.newest:
                move(session)
                renewed[session] = heard[session] = None
                if not session.up_to_date:
                    self._transitions_due[session.key] = session
                    asking = True
        return asking

    def renewed_elsewhere(self, session: Session, beat: float) -> None:
        """Take over that another replica received a heartbeat at ``beat`` (monotonic), a later one.

        A session without a stream ends here. One with a stream keeps its lease from ``beat`` on,
        whose deadline the other replica has written.
        """
        session.lease_from = beat
        if session.stream is None:
            self.record_remote(session.key, session.health(None))
            text = "Another replica receives its heartbeats."
            self.end_session(session.lease, LeaseLostReason.SUPERSEDED, text)
        elif session.newest:
            self._by_silence.move_to_end(session)

    def record_remote(
        self, key: ParticipantKey, health: Health, most: int = MOST_REMEMBERED
    ) -> None:
        """Remember the health that another replica received."""
        self._remote[key] = latest(health, self._remote.get(key, UNKNOWN_HEALTH))
        self._moved[key] = None
        self._keep_newest(self._remote, key, most)

    def extend(self, session: Session, now: float) -> None:
        """Renew the lease at ``now`` without a heartbeat: none could have arrived."""
        session.lease_from = now
        if session.newest:
            self._by_silence.move_to_end(session)
            self._renewed[session] = None

    def rewrite_deadline(self, session: Session) -> None:
        """Have the deadline written again: the lease store has an older one."""
        self._renewed[session] = None

    def set_status(self, session: Session, status: ParticipantStatus) -> None:
        """Take over the ``status`` that PostgreSQL has."""
        session.status = status
        session.up_to_date = session.pending_verb is None

    def end_session(self, lease: LeaseKey, reason: LeaseLostReason, text: str) -> None:
        """End the session of ``lease`` and of older generations; their streams are sent why."""
        session = self._sessions.get(lease.key)
        while session is not None and session.generation > lease.generation:
            session = session.previous
        if session is not None and self._sessions.get(lease.key) is session:
            del self._sessions[lease.key]
            self._moved[lease.key] = None
            self._transitions_due.pop(lease.key, None)
        while session is not None:
            session.newest = False
            self._by_silence.pop(session, None)
            if session.stream is not None:
                session.stream.revoke(session.slot, reason, lease.participant_id, text)
                session.stream = None
            self._renewed.pop(session, None)
            self._heard.pop(session, None)
            session = session.previous

    def take_renewed(self) -> list[Session]:
        """Take the sessions whose deadlines have to be written; the caller returns the rest."""
        taken, self._renewed = self._renewed, {}
        return list(taken)

    def return_renewed(self, sessions: Iterable[Session]) -> None:
        """Note that their deadlines are still to be written."""
        self._renewed.update(dict.fromkeys(sessions))

    def take_transitions_due(self) -> list[Session]:
        """Take the sessions whose state has to change; a further heartbeat notes them again."""
        taken, self._transitions_due = self._transitions_due, {}
        return [session for session in taken.values() if session.pending_verb is not None]

    def return_transitions_due(self, sessions: Iterable[Session]) -> None:
        """Note that their state still has to change."""
        for session in sessions:
            self._transitions_due.setdefault(session.key, session)

    def overdue(self, before: float) -> list[Session]:
        """The ACTIVE sessions that have been silent here since ``before`` (monotonic)."""
        found = []
        for session in self._by_silence:
            if session.lease_from >= before:
                break  # the longest silent come first
            if session.leased and session.status is ParticipantStatus.ACTIVE:
                found.append(session)
        return found

    def record_trust(
        self, tenant: str, trust: Iterable[tuple[str, float]], most: int = MOST_REMEMBERED
    ) -> None:
        """Remember the trust that the last decision found for each participant id."""
        for participant_id, value in trust:
            key = ParticipantKey(tenant, participant_id)
            self._trust[key] = value
            self._keep_newest(self._trust, key, most)

    def take_moved(self, most: int) -> list[ParticipantKey]:
        """Take at most so many participants whose `health` may have changed."""
        taken = [session.key for session in _taken(self._heard, most)]
        return taken + _taken(self._moved, most - len(taken))

    def _keep_newest(
        self, known: OrderedDict[ParticipantKey, T], key: ParticipantKey, most: int
    ) -> None:
        """Move ``key`` to the end, and forget the oldest beyond ``most``."""
        known.move_to_end(key)
        while len(known) > most:
            self._moved[known.popitem(last=False)[0]] = None


def _taken(noted: dict[K, None], most: int) -> list[K]:
    """Take at most so many, the oldest first."""
    taken = list(islice(noted, most))
    for one in taken:
        del noted[one]
    return taken

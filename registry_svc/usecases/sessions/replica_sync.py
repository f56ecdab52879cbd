"""ReplicaSync: keeps the sessions of this replica in step with what other replicas committed.

Rows, leases and directives are shared; sessions are each replica's own. Bus events bring a change
within milliseconds. Since events may be lost, a slow round reads every session's row as well.
"""

from collections import defaultdict
from datetime import timedelta
from typing import Final

from phoenix_runtime.core.waiting.wakeup import WakeUp
from registry_svc.domain.health import Health
from registry_svc.domain.session import ParticipantKey
from registry_svc.domain.session_rules import follow_row
from registry_svc.usecases.context import RegistryContext, chunks
from registry_svc.usecases.sessions.directive_queue import DirectiveQueue

ROUND_SECONDS: Final = 10.0
"""The interval at which every session's row is read without any event."""


class ReplicaSync:
    """Takes events of other replicas, and reads the rows that they are about."""

    def __init__(self, context: RegistryContext, queue: DirectiveQueue, work: WakeUp) -> None:
        self._context = context
        self._queue = queue
        self._work = work
        self._changed: set[ParticipantKey] = set()
        self._next_round = float("-inf")

    def heartbeat_received(self, key: ParticipantKey, health: Health) -> None:
        """Take over the health that another replica received."""
        self._context.sessions.record_remote(key, health)

    def directives_waiting(self, key: ParticipantKey) -> None:
        """Deliver directives that another replica stored, where the participant is here."""
        if self._context.sessions.connected(key):
            self._queue.want([key])
        else:
            self._queue.wake([key])

    def status_changed(self, key: ParticipantKey, status: str) -> None:
        """Note a participant that has ``status`` now, unless its session has it already."""
        session = self._context.sessions.get(key)
        if session is not None and session.status.value != status:
            self._note(key)

    def registered(self, key: ParticipantKey) -> None:
        """Note a participant with a new generation, where an older one has a session."""
        if self._context.sessions.get(key) is not None:
            self._note(key)

    async def __call__(self) -> timedelta:
        """Read the rows of changed participants; in the slow round those of all sessions.

        Answers how long it is until that round. Raises `Unavailable`, having forgotten nothing.
        """
        now = self._context.clock.monotonic()
        if now >= self._next_round:
            self._next_round = now + ROUND_SECONDS
            self._changed.update(one.key for one in self._context.sessions)
            connected = self._context.sessions.connected
            self._queue.want(key for key in self._changed if connected(key))
        changed, self._changed = self._changed, set()
        try:
            await self._follow_rows(changed)
        except BaseException:
            self._changed |= changed
            raise
        return timedelta(seconds=max(0.0, self._next_round - self._context.clock.monotonic()))

    async def _follow_rows(self, changed: set[ParticipantKey]) -> None:
        by_tenant: defaultdict[str, list[str]] = defaultdict(list)
        for key in changed:
            by_tenant[key.tenant].append(key.participant_id)
        for tenant, ids in by_tenant.items():
            for chunk in chunks(ids):
                async with self._context.units.reading(self._context.own_call(tenant)) as unit:
                    rows = await unit.find_participants(chunk)
                for row in rows:
                    session = self._context.sessions.get(ParticipantKey(tenant, row.id))
                    if session is not None:
                        follow_row(self._context.sessions, session, row)

    def _note(self, key: ParticipantKey) -> None:
        self._changed.add(key)
        self._work.notify()

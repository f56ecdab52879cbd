"""DeliverDirectives: sends stored directives down the streams until they are acknowledged."""

from collections import defaultdict
from datetime import timedelta
from typing import Final

from registry_svc.domain.ports import Acknowledgement
from registry_svc.domain.session import ParticipantKey, Session
from registry_svc.usecases.context import RegistryContext, chunks
from registry_svc.usecases.sessions.directive_queue import DirectiveQueue

CREDIT: Final = 32
"""Directives in flight to one participant at most: sent and not acknowledged yet (I14)."""
NOTHING_SENT: Final = timedelta(seconds=10)
"""The rest between two rounds where nothing is in flight: the queue says what there is to do."""


class DeliverDirectives:
    """Commits acknowledgements, then sends what waits.

    A directive that was not acknowledged is sent again after ``redelivery`` seconds.
    """

    def __init__(
        self,
        context: RegistryContext,
        queue: DirectiveQueue,
        *,
        redelivery: float,
    ) -> None:
        self._context = context
        self._queue = queue
        self._redelivery = redelivery
        self._in_flight: dict[ParticipantKey, Session] = {}
        self._blocked: set[ParticipantKey] = set()

    async def __call__(self) -> timedelta | None:
        """Run one round; answers a rest where nothing is on its way that may have to be sent again.

        Raises `Unavailable`; nothing is forgotten then.
        """
        await self._commit()
        now = self._context.clock.monotonic()
        wanted = self._queue.take_wanted() | self._due(now) | self._blocked
        self._blocked = set()
        by_tenant: defaultdict[str, dict[str, Session]] = defaultdict(dict)
        for key in wanted:
            session = self._context.sessions.get(key)
            if session is not None and session.stream is not None:
                by_tenant[key.tenant][key.participant_id] = session
        try:
            for tenant, members in by_tenant.items():
                for ids in chunks(members):
                    await self._send(tenant, {one: members[one] for one in ids}, now)
        except BaseException:
            self._queue.want(wanted)
            raise
        return None if self._in_flight or self._blocked else NOTHING_SENT

    async def _commit(self) -> None:
        """Commit acknowledgements; until then their directives stay in flight: none comes twice."""
        acknowledged = self._queue.take_acknowledged()
        by_tenant: defaultdict[str, list[Acknowledgement]] = defaultdict(list)
        for key, ack in acknowledged:
            by_tenant[key.tenant].append(ack)
        try:
            for tenant, acks in by_tenant.items():
                async with self._context.units.single(self._context.own_call(tenant)) as unit:
                    await unit.acknowledge_directives(acks)
        except BaseException:
            self._queue.return_acknowledged(acknowledged)
            raise
        for key, ack in acknowledged:
            self._remove(key, ack)

    def _remove(self, key: ParticipantKey, ack: Acknowledgement) -> None:
        """Take an acknowledged directive out of flight.

        Others wait in the table only where the credit was used up: each commit of some, here or at
        another replica, and each new stream has them looked for.
        """
        session = self._context.sessions.get(key)
        if session is None:
            return
        full = len(session.in_flight) >= CREDIT
        session.in_flight.pop(ack.directive_id, None)
        if not session.in_flight:
            self._in_flight.pop(key, None)
        if full:
            self._queue.want([key])

    def _due(self, now: float) -> set[ParticipantKey]:
        """The participants whose oldest directive was sent long enough ago."""
        return {
            key
            for key, session in self._in_flight.items()
            if now - min(session.in_flight.values(), default=now) >= self._redelivery
        }

    async def _send(self, tenant: str, members: dict[str, Session], now: float) -> None:
        async with self._context.units.reading(self._context.own_call(tenant)) as unit:
            waiting = await unit.waiting_directives(list(members), limit=CREDIT)
        for directive in waiting:
            session = members[directive.participant_id]
            sent_at = session.in_flight.get(directive.directive_id)
            if sent_at is not None and now - sent_at < self._redelivery:
                continue
            if session.stream is None:
                continue
            if session.stream.send_directive(session.slot, directive):
                session.in_flight[directive.directive_id] = now
                self._in_flight[session.key] = session
            else:
                self._blocked.add(session.key)  # the buffer is full: tried again next round

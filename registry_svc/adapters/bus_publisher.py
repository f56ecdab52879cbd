"""Publishes the registry's own events on the bus: heartbeats, and waiting directives."""

from collections.abc import Sequence
from typing import Any

from phoenix_runtime.chassis.delivery.bus import Bus
from phoenix_runtime.chassis.delivery.bus_events import BusEvent
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.ids import NewId
from registry_svc.domain.ports import DIRECTIVES_WAITING, HEARTBEAT, HeartbeatNotice
from registry_svc.domain.session import ParticipantKey


class BusEventPublisher:
    """Implements `domain.ports.EventPublisher`. ``replica`` tells its own events from others'."""

    def __init__(self, bus: Bus, clock: Clock, new_id: NewId, *, replica: str) -> None:
        self._bus = bus
        self._replica = replica
        self._clock = clock
        self._new_id = new_id

    async def heartbeats(self, notices: Sequence[HeartbeatNotice]) -> None:
        """See the port."""
        await self._bus.publish([self._heartbeat(notice) for notice in notices])

    async def directives_waiting(self, keys: Sequence[ParticipantKey]) -> None:
        """See the port."""
        await self._bus.publish([self._event(DIRECTIVES_WAITING, key) for key in keys])

    def _heartbeat(self, notice: HeartbeatNotice) -> BusEvent:
        health = notice.health
        facts = {"load": health.load, "latency": health.latency}
        key = ParticipantKey(notice.tenant, notice.participant_id)
        return self._event(HEARTBEAT, key, state=health.state.value, **facts)

    def _event(self, kind: str, key: ParticipantKey, *, state: str = "", **facts: Any) -> BusEvent:
        return BusEvent(
            tenant=key.tenant,
            type=kind,
            event_id=self._new_id("event"),
            time=self._clock.now(),
            service="registry",
            participant=key.participant_id,
            state=state,
            facts={**facts, "replica": self._replica},
        )

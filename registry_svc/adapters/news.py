"""What the registry puts on the bus itself: a beat, or waiting mail, is no audit event."""

from collections.abc import Sequence
from typing import Any

from phoenix_runtime.chassis.delivery.bus import Bus
from phoenix_runtime.chassis.delivery.bus_events import BusEvent
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.ids import NewId
from registry_svc.domain.ports import DIRECTIVES_WAITING, HEARTBEAT, Sign
from registry_svc.domain.presence import Key


class BusNews:
    """Implements `domain.ports.News`; raises `Unavailable`."""

    def __init__(self, bus: Bus, clock: Clock, new_id: NewId, *, replica: str) -> None:
        self._bus = bus
        self._replica = replica
        self._clock = clock
        self._new_id = new_id

    async def heartbeats(self, signs: Sequence[Sign]) -> None:
        """See the port."""
        await self._bus.publish([self._sign(sign) for sign in signs])

    async def mail(self, keys: Sequence[Key]) -> None:
        """See the port."""
        await self._bus.publish([self._hint(DIRECTIVES_WAITING, key) for key in keys])

    def _sign(self, sign: Sign) -> BusEvent:
        facts = {"load": sign.vitals.load, "latency": sign.vitals.latency}
        key = Key(sign.tenant, sign.participant_id)
        return self._hint(HEARTBEAT, key, state=sign.vitals.state.value, **facts)

    def _hint(self, kind: str, key: Key, *, state: str = "", **facts: Any) -> BusEvent:
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

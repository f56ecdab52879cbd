"""HEARTBEAT on the bus, straight from the registry: a beat is no audit event."""

from collections.abc import Sequence

from phoenix_runtime.chassis.bus import Bus
from phoenix_runtime.chassis.hints import Hint
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.ids import NewId
from registry_svc.domain.ports import Sign


class BusNews:
    """Implements `domain.ports.News`; raises `Unavailable`."""

    def __init__(self, bus: Bus, clock: Clock, new_id: NewId) -> None:
        self._bus = bus
        self._clock = clock
        self._new_id = new_id

    async def heartbeats(self, signs: Sequence[Sign]) -> None:
        """See the port."""
        await self._bus.publish([self._hint(sign) for sign in signs])

    def _hint(self, sign: Sign) -> Hint:
        return Hint(
            tenant=sign.tenant,
            type="HEARTBEAT",
            event_id=self._new_id("event"),
            time=self._clock.now(),
            service="registry",
            participant=sign.participant_id,
            state=sign.vitals.state.value,
            facts={"load": sign.vitals.load},
        )

"""Reconcile: level for truth. Every gate with something on it is compared with the registry."""

from collections.abc import Collection

from assignment_svc.usecases.apply_standing import ApplyStandings
from assignment_svc.usecases.ports import Ports
from phoenix_runtime.core.principal import Call

BATCH = 200
HASTENED = 100
"""How many waiting rows one piece of news wakes; the next piece and the timers wake the others."""


class Reconcile:
    """Reads `BatchGetStandings` for every busy gate of one tenant and applies what it says."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._apply = ApplyStandings(ports)

    async def __call__(self, call: Call) -> int:
        """One round; answers how many gates were looked at. Raises `Unavailable`."""
        after, looked = "", 0
        while True:
            async with self._ports.units.reading(call) as unit:
                gates = await unit.busy_gates(after, limit=BATCH)
            if not gates:
                return looked
            await self.participants(call, [gate.participant_id for gate in gates])
            looked += len(gates)
            after = gates[-1].participant_id

    async def participants(self, call: Call, participant_ids: Collection[str]) -> None:
        """The same for some participants only: hints named them. All of them are asked at once."""
        standings = await self._ports.registry.standings(call, participant_ids)
        await self._apply(call, standings)


class Hasten:
    """Somebody joined, freed up or was certified: what waits is looked at now."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(self, call: Call) -> int:
        """Wake waiting tasks and handoffs of the tenant; answers how many."""
        async with self._ports.units(call) as unit:
            now = self._ports.clock.now()
            woken = await unit.hasten_tasks(now, limit=HASTENED)
            woken += await unit.hasten_handoffs(now, limit=HASTENED)
        if woken:
            self._ports.bell.ring()
        return woken

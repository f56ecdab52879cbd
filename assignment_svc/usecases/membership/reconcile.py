"""Compares every gate that has seats in use with the registry, and applies what is newer."""

from collections.abc import Collection

from assignment_svc.usecases.membership.apply_standing import ApplyStandings
from assignment_svc.usecases.steps.ports import Ports
from phoenix_runtime.core.principal import Call

BATCH = 200
"""Gates whose standings are read in one call."""


class Reconcile:
    """Reads `BatchGetStandings` for every busy gate of one tenant and applies the standings."""

    def __init__(self, ports: Ports, apply: ApplyStandings) -> None:
        self._ports = ports
        self._apply = apply

    async def __call__(self, call: Call) -> int:
        """Reconcile the tenant once; answers how many gates were read. Raises `Unavailable`."""
        after, count = "", 0
        while True:
            async with self._ports.units.reading(call) as unit:
                gates = await unit.busy_gates(after, limit=BATCH)
            if not gates:
                return count
            await self.participants(call, [gate.participant_id for gate in gates])
            count += len(gates)
            after = gates[-1].participant_id

    async def participants(self, call: Call, participant_ids: Collection[str]) -> None:
        """Reconcile these participants only, in one call. Raises `Unavailable`."""
        standings = await self._ports.registry.standings(call, participant_ids)
        await self._apply(call, standings)

"""Reconcile: level for truth. Every gate with something on it is compared with the registry."""

from collections.abc import Collection

from assignment_svc.usecases.membership.apply_standing import ApplyStandings
from assignment_svc.usecases.steps.ports import Ports
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import Grants

BATCH = 200
HASTENED = 100
"""How many waiting rows one piece of news wakes; the next piece and the timers wake the others."""


class Reconcile:
    """Reads `BatchGetStandings` for every busy gate of one tenant and applies what it says."""

    def __init__(self, ports: Ports, apply: ApplyStandings) -> None:
        self._ports = ports
        self._apply = apply

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
    """Somebody joined, freed up or was certified: what waits for the like of it is looked at now.

    What it could not take anyway is left to its own timers. Whoever comes and goes all day costs
    then what it could take, and not a look at everything that its tenant has waiting.
    """

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(self, call: Call, participant_ids: Collection[str] = ()) -> int:
        """Wake what waits for one of these participants, or for anybody where none is named.

        Answers how much was woken. Raises `Unavailable`.
        """
        async with self._ports.units.reading(call) as unit:
            if not await unit.anything_waits(self._ports.clock.now()):
                return 0
        grants = await self._grants(call, participant_ids)
        if participant_ids and not grants:
            return 0
        async with self._ports.units(call) as unit:
            now = self._ports.clock.now()
            woken = await unit.hasten(now, limit=HASTENED, grants=grants)
        if woken:
            self._ports.wake_up.notify()
        return woken

    async def _grants(self, call: Call, participant_ids: Collection[str]) -> list[Grants]:
        """What those among them can take who can take anything; each kind once."""
        if not participant_ids:
            return []
        standings = await self._ports.registry.standings(call, participant_ids)
        kinds: dict[tuple[frozenset[str], frozenset[str]], Grants] = {}
        for standing in standings.values():
            if standing.eligible(degraded_allowed=True):
                grants = standing.grants
                kinds[grants.capabilities, grants.data_domains] = grants
        return list(kinds.values())

"""Has waiting tasks and handoffs tried now, because a participant may have capacity for them."""

from collections.abc import Collection

from assignment_svc.usecases.steps.ports import Ports
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import Grants

MOST_WOKEN = 100
"""How many rows one call wakes; the next call and the rows' own timers wake the others."""


class WakeQueue:
    """Wakes what certain participants could take, or everything that waits.

    What the participants could not take is left to its own timers: one that comes and goes all day
    costs a search for what it could take, and not for everything that its tenant has waiting.
    """

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(self, call: Call, participant_ids: Collection[str] = ()) -> int:
        """Wake what waits for one of these participants, or for anybody where none is named.

        Answers how many rows were woken. Raises `Unavailable`.
        """
        async with self._ports.units.reading(call) as unit:
            if not await unit.has_waiting(self._ports.clock.now()):
                return 0
        grants = await self._grants(call, participant_ids)
        if participant_ids and not grants:
            return 0
        async with self._ports.units(call) as unit:
            now = self._ports.clock.now()
            return await unit.wake_waiting(now, limit=MOST_WOKEN, grants=grants)

    async def _grants(self, call: Call, participant_ids: Collection[str]) -> list[Grants]:
        """The grants of those who are eligible; equal ones once."""
        if not participant_ids:
            return []
        standings = await self._ports.registry.standings(call, participant_ids)
        distinct: dict[tuple[frozenset[str], frozenset[str]], Grants] = {}
        for standing in standings.values():
            if standing.eligible(degraded_allowed=True):
                grants = standing.grants
                distinct[grants.capabilities, grants.data_domains] = grants
        return list(distinct.values())

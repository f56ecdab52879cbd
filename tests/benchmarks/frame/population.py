"""Very many participants: copies of one that was registered, written into the registry's tables.

To register a hundred thousand takes minutes; clients still find them by the public door alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import asyncpg

from phoenix_dma.declare import ParticipantFields
from phoenix_dma.v1 import registry_pb2
from tests.benchmarks.frame.clients import Client, channels, register
from tests.e2e.scenarios.scenario import Scenario
from tests.support.waiting.until import until

TEMPLATE: Final = "agent.copy.template"
NEED: Final = ["duplicate_detection"]
COPIED: Final = """
    INSERT INTO registry.participants
    SELECT (jsonb_populate_record(template, jsonb_build_object(
        'participant_id', name, 'cost', price, 'status', state,
        'declaration', template.declaration || jsonb_build_object('id', name, 'cost', price)))).*
    FROM registry.participants AS template, generate_series($1::int, $2::int) AS number,
    LATERAL (SELECT 'agent.copy.' || number AS name,
        CASE WHEN $5 AND number % 2 = 1 THEN 'failed' ELSE 'active' END AS state,
        CASE WHEN number = $2 THEN 50 - $2 / 1e6 ELSE 100 + number % 97 END AS price) AS copy
    WHERE template.tenant = $3 AND template.participant_id = $4
"""
"""All of them dear; the last is the cheapest by far, so that a search tells that it knows all: who
was judged before is trusted less than who was not. $5: every other one has failed.
"""
EDGES: Final = """
    INSERT INTO registry.edges
    SELECT (jsonb_populate_record(template, jsonb_build_object('participant_id', copied))).*
    FROM registry.edges AS template, generate_series($1::int, $2::int) AS number,
    LATERAL (SELECT 'agent.copy.' || number AS copied) AS copy
    WHERE template.tenant = $3 AND template.participant_id = $4
"""
KNOWN_SECONDS: Final = 120.0
"""Within which searches have to know what was written: an index is compared every ten seconds."""
STATISTICS: Final = "VACUUM ANALYZE registry.participants, registry.edges"


async def template(scenario: Scenario) -> None:
    """Register the one whom all others are copies of, the dearest."""
    async with channels(scenario.runtime.address("gateway")) as (channel,):
        fields: ParticipantFields = {"liveness": "unleased", "cost": 1000.0, "capacity": 1}
        await register(scenario, channel, TEMPLATE, fields)


class Population:
    """Copies of the tenant's `template`; ``present`` are others, and cheaper.

    Every other copy has failed where ``failed`` is true; sizes are even then.
    """

    def __init__(
        self,
        tenant: str,
        client: Client,
        database: asyncpg.Connection[asyncpg.Record],
        *,
        present: Sequence[str] = (),
        failed: bool = False,
    ) -> None:
        self._tenant = tenant
        self._client = client
        self._database = database
        self._present = [TEMPLATE, *present]
        self._failed = failed
        self._size = 0

    async def grow(self, size: int) -> None:
        """Copy until there are ``size``, and wait until a search knows the last one."""
        span = self._size + 1, size, self._tenant, TEMPLATE
        await self._database.execute(COPIED, *span, self._failed)
        await self._database.execute(EDGES, *span)
        await self._database.execute(STATISTICS)
        self._size = size
        best = ""

        async def known() -> bool:
            nonlocal best
            best = await self._best()
            return best == f"agent.copy.{size}"

        try:
            await until(known, KNOWN_SECONDS)
        except TimeoutError:
            raise RuntimeError(f"of {size} copies, the best is still {best or 'nobody'}") from None

    async def _best(self) -> str:
        """Who is found first, those apart that are no copies."""
        wanted = registry_pb2.DiscoverParticipantsRequest(
            required_capabilities=NEED, page_size=1, exclude=self._present
        )
        found = await self._client.ask(self._client.stubs.registry.DiscoverParticipants, wanted)
        best: str = found.candidates[0].participant_id if found.candidates else ""
        return best

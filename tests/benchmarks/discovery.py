"""Discovery: a page of ten where 1,000, 10,000 and 100,000 participants are registered.

Half of them are eligible, at different prices. Before a size is measured, the cheapest of
its copies has to be found as the best.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final

from phoenix_dma.v1 import registry_pb2
from phoenix_runtime.chassis.ids import new_id
from tests.benchmarks.frame.clients import CALLERS, Client, operator_at
from tests.benchmarks.frame.figures import (
    Bar,
    Family,
    Figure,
    Peer,
    Run,
    at_least,
    part_of_peer,
)
from tests.benchmarks.frame.load import Call, drive, warm
from tests.benchmarks.frame.loaded import load_figures, under_load
from tests.benchmarks.frame.metering import counting_runtime
from tests.benchmarks.frame.population import NEED, Population, template
from tests.e2e.scenarios.scenario import Scenario

PAGE: Final = 10
RATES: Final[dict[int, tuple[Bar, ...]]] = {10_000: at_least(400)}


def sizes_of(run: Run) -> Sequence[int]:
    """How many are registered."""
    if run.quick:
        return (200, 1_000)
    return (1_000, 10_000, 100_000) if run.full else (1_000, 10_000)


def searching(client: Client) -> Call:
    """A call that asks for a page, and fails where it is not full."""
    wanted = registry_pb2.DiscoverParticipantsRequest(
        required_capabilities=NEED, data_domains=["customer"], page_size=PAGE
    )

    async def search() -> None:
        found = await client.ask(client.stubs.registry.DiscoverParticipants, wanted)
        if len(found.candidates) != PAGE:
            raise AssertionError(f"a page of {len(found.candidates)}")

    return search


async def measure(run: Run) -> AsyncIterator[Figure]:
    """One search at a time, then sixteen at once, among more and more."""
    fewest: float | None = None
    async with (
        counting_runtime() as counting,
        Scenario(counting.runtime, new_id("tenant")) as scenario,
        operator_at(scenario) as client,
    ):
        await template(scenario)
        crowd = Population(scenario.tenant, client, counting.database, failed=True)
        search = searching(client)
        for size in sizes_of(run):
            what = f"discover, page of {PAGE} of {size:,}"
            run.say(f"discovery: {size:,} are copied")
            await crowd.grow(size)
            await warm([search] * CALLERS)
            alone = (await drive([search], seconds=run.seconds)).milliseconds(0.5)
            yield Figure(
                what=f"{what}, one at a time",
                value=alone,
                unit="ms p50",
                bars=() if fewest is None else part_of_peer(1.5),
                peer=None if fewest is None else Peer(f"of {sizes_of(run)[0]:,}", fewest),
            )
            fewest = fewest or alone
            together = await under_load(counting, [search] * CALLERS, run.seconds)
            bars = {"rate": RATES.get(size, ())}
            for figure in load_figures(f"{what}, 16 at once", "searches", together, bars):
                yield figure


FAMILY = Family(name="discovery", asks="How fast are the best found?", measure=measure)

"""Links between services break: whoever calls is told, they heal by themselves, one owner remains.

The short form silences all links at once, and those to the database. The long form also silences
each link alone, in both directions and in either, cuts links and slows them down. How long it takes
until a caller is told is measured by `tests/benchmarks/partitions.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio

from phoenix_runtime.chassis.data.connecting import DatabaseOptions
from phoenix_runtime.chassis.rpc.channels import OPTIONS
from tests.e2e.scenarios.intervals import INTERVALS
from tests.robustness.forms import long_form, short_and_long
from tests.robustness.partitions.probes import database_probes, link_probes
from tests.robustness.workload import at_work
from tests.support.processes.linked_runtime import LINKS, Link, LinkedRuntime, linked_runtime

pytestmark = pytest.mark.asyncio(loop_scope="module")

SEEN: Final = 5.0
"""Seconds within which a broken link is noticed."""
BOTH: Final = "both"
ONE_WAY: Final = ("requests", "answers")
LOST: Final[Mapping[str, Mapping[str, bool]]] = {
    BOTH: {},
    "requests": {"answers": False},
    "answers": {"requests": False},
}
"""What does not arrive, and how a proxy is told."""
STORED: Final = ("registry", "assignment", "governance")
"""Whose own reads need no peer."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def runtime() -> AsyncIterator[LinkedRuntime]:
    async with linked_runtime(INTERVALS) as runtime:
        yield runtime


async def is_lost(
    runtime: LinkedRuntime, folder: Path, links: tuple[Link, ...], how: Mapping[str, bool]
) -> None:
    """Silence the links under a workload: calls are refused, links heal, nothing is lost."""
    async with at_work(runtime, folder) as workload:
        probes = await link_probes(workload.scenario)
        for link in links:
            await probes[link].is_answered()
        with ExitStack() as stack:
            for link in links:
                stack.enter_context(runtime.link(*link).silent(**how))
            await asyncio.gather(*(probes[link].is_refused() for link in links))
        for link in links:
            await probes[link].is_answered()
        await workload.works_on()


async def test_what_hangs_is_given_up_within_five_seconds_by_the_settings() -> None:
    options: dict[str, Any] = dict(OPTIONS)
    keepalive = options["grpc.keepalive_time_ms"] + options["grpc.keepalive_timeout_ms"]
    assert max(keepalive, options["grpc.min_reconnect_backoff_ms"]) < SEEN * 1000
    assert options["grpc.http2.ping_timeout_ms"] < SEEN * 1000
    assert DatabaseOptions().response_timeout.total_seconds() < SEEN


@pytest.mark.long
@pytest.mark.parametrize("lost", [BOTH, *ONE_WAY])
@pytest.mark.parametrize("link", LINKS, ids="-".join)
async def test_a_silent_link_is_noticed_and_heals_by_itself(
    runtime: LinkedRuntime, tmp_path: Path, link: Link, lost: str
) -> None:
    await is_lost(runtime, tmp_path, (link,), LOST[lost])


@pytest.mark.parametrize("lost", short_and_long(["answers"], ONE_WAY))
async def test_services_that_are_heard_and_hear_nothing_or_the_other_way_round_notice_it(
    runtime: LinkedRuntime, tmp_path: Path, lost: str
) -> None:
    await is_lost(runtime, tmp_path, LINKS, LOST[lost])


@pytest.mark.parametrize("parts", [STORED, *long_form(("state",))], ids="-".join)
async def test_a_database_that_is_not_heard_is_noticed_and_comes_back(
    runtime: LinkedRuntime, tmp_path: Path, parts: tuple[str, ...]
) -> None:
    async with at_work(runtime, tmp_path) as workload:
        probes = await database_probes(workload.scenario, parts)
        with ExitStack() as stack:
            for part in parts:
                stack.enter_context(runtime.link(part, "postgres").silent())
            await asyncio.gather(*(probe.is_refused() for probe in probes))
        for probe in probes:
            await probe.is_answered()
        await workload.works_on()


@pytest.mark.long
async def test_links_that_are_cut_are_made_anew(runtime: LinkedRuntime, tmp_path: Path) -> None:
    async with at_work(runtime, tmp_path) as workload:
        probes = await link_probes(workload.scenario)
        with ExitStack() as stack:
            for link in LINKS:
                stack.enter_context(runtime.link(*link).cut())
            await asyncio.gather(*(probe.is_refused() for probe in probes.values()))
        for probe in probes.values():
            await probe.is_answered()
        await workload.works_on()


@pytest.mark.long
async def test_slow_links_change_nothing_but_the_time_it_takes(
    runtime: LinkedRuntime, tmp_path: Path
) -> None:
    async with at_work(runtime, tmp_path) as workload:
        with ExitStack() as stack:
            for link in LINKS:
                stack.enter_context(runtime.link(*link).slow(0.1))
            await workload.works_on()
            await workload.works_on()
        assert not await workload.scenario.events("PARTICIPANT_FAILED")

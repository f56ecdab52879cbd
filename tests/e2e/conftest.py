"""One runtime for the whole tier, with short leases; a tenant of its own for every test."""

import json
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.local.runtime import LocalRuntime, LocalRuntimeOptions
from tests.e2e.proof import prove
from tests.e2e.stage import Stage
from tests.support.temporary import temporary

SHORT = {
    "LEASE_TTL": "3",
    "HEARTBEAT_INTERVAL": "1",
    "LEASE_MARGIN": "0.5",
    "WRITE_INTERVAL": "0.2",
    "OFFER_TIMEOUT": "4",
    "LAST_CHECKPOINT": "1",
    "RESUME_TIMEOUT": "4",
    "RECONCILE_INTERVAL": "1",
    "DUE_INTERVAL": "0.2",
}
"""Everything that a test would otherwise have to wait for."""
PACE = {f"PHOENIX_DMA_{name}": seconds for name, seconds in SHORT.items()}
CALM = {
    **PACE,
    "PHOENIX_DMA_LEASE_TTL": "7",
    "PHOENIX_DMA_HEARTBEAT_INTERVAL": "2.5",
    "PHOENIX_DMA_LEASE_MARGIN": "2",
    "PHOENIX_DMA_OFFER_TIMEOUT": "8",
    "PHOENIX_DMA_RESUME_TIMEOUT": "8",
}
"""The same where few wait for the dead: who lives in this process may be late with its beats, and a
registry that stutters for more than the margin excuses everybody, each time."""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def runtime() -> AsyncIterator[LocalRuntime]:
    """Everything, as it runs in front of a user: PostgreSQL, Valkey, four services, gateway."""
    async with blameless(LocalRuntime(LocalRuntimeOptions.temporary(environment=CALM))) as runtime:
        yield runtime


@asynccontextmanager
async def blameless(runtime: LocalRuntime) -> AsyncIterator[LocalRuntime]:
    """The runtime for the time of some tests, none of which makes a service log an error."""
    async with temporary(runtime):
        yield runtime
        await runtime.stop()
        blunders = list(logged_errors(runtime))
    assert not blunders, "\n".join(["the services' logs say that it was their fault:", *blunders])


def logged_errors(runtime: LocalRuntime) -> Iterator[str]:
    """What went wrong in a service, as against what it refused; no story may bring that about."""
    for log in sorted(runtime.folder.logs.iterdir()):
        for line in log.read_text().splitlines():
            if line.startswith("{") and json.loads(line).get("level") in {"error", "critical"}:
                yield f"{log.stem}: {line}"


@pytest_asyncio.fixture
async def stage(runtime: LocalRuntime, request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """A tenant that nobody else uses. Afterwards its audit and its tables have to hold."""
    async with proven(runtime, request) as stage:
        yield stage


@asynccontextmanager
async def proven(runtime: LocalRuntime, request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """A tenant of its own for one test, whose audit and tables have to hold after it."""
    async with Stage(runtime, new_id("tenant")) as stage:
        yield stage
        # A test that failed half-way says enough by itself.
        if not getattr(request.node, "failed", False):
            await prove(stage)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let fixtures know how their test went."""
    report = yield
    if report.when == "call":
        item.failed = report.failed  # type: ignore[attr-defined]
    return report

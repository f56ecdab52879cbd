"""One runtime for the tests of a worker, and a tenant of its own for every test."""

import json
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.local.runtime import LocalRuntime, LocalRuntimeOptions
from tests.e2e.scenarios.assertions import assert_invariants
from tests.e2e.scenarios.intervals import INTERVALS
from tests.e2e.scenarios.scenario import Scenario
from tests.support.servers.temporary import temporary


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def runtime() -> AsyncIterator[LocalRuntime]:
    """A whole runtime: PostgreSQL, Valkey, four services and the gateway."""
    async with blameless(
        LocalRuntime(LocalRuntimeOptions.temporary(environment=INTERVALS))
    ) as runtime:
        yield runtime


@asynccontextmanager
async def blameless(runtime: LocalRuntime) -> AsyncIterator[LocalRuntime]:
    """Run a runtime for some tests, and fail where a service has logged an error."""
    async with temporary(runtime):
        yield runtime
        await runtime.stop()
        blunders = list(logged_errors(runtime))
    assert not blunders, "\n".join(["the services' logs say that it was their fault:", *blunders])


def logged_errors(runtime: LocalRuntime) -> Iterator[str]:
    """The errors that services logged, as against refusals; no test may cause one."""
    for log in sorted(runtime.folder.logs.iterdir()):
        for line in log.read_text().splitlines():
            if line.startswith("{") and json.loads(line).get("level") in {"error", "critical"}:
                yield f"{log.stem}: {line}"


@pytest_asyncio.fixture
async def scenario(
    runtime: LocalRuntime, request: pytest.FixtureRequest
) -> AsyncIterator[Scenario]:
    """A tenant of its own; afterwards the invariants have to hold."""
    async with checked_scenario(runtime, request) as scenario:
        yield scenario


@asynccontextmanager
async def checked_scenario(
    runtime: LocalRuntime, request: pytest.FixtureRequest
) -> AsyncIterator[Scenario]:
    """A tenant of its own for one test; afterwards the invariants have to hold."""
    async with Scenario(runtime, new_id("tenant")) as scenario:
        yield scenario
        # A test that failed half-way says enough by itself.
        if not getattr(request.node, "failed", False):
            await assert_invariants(scenario)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let fixtures know how their test went."""
    report = yield
    if report.when == "call":
        item.failed = report.failed  # type: ignore[attr-defined]
    return report

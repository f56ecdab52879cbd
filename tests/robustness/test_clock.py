"""The wall clock of a service jumps by an hour while it runs: nobody expires, all are let in.

The clock is the service's own (``PHOENIX_DMA_CLOCK_OFFSET_FILE``, in debugging alone), so that it
may jump for one service and on any machine.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from phoenix_runtime.chassis.wall_clock import DEBUG, OFFSET_FILE
from phoenix_runtime.local.runtime import LocalRuntimeOptions
from phoenix_runtime.local.services import MODULES, ProcessEnvironment
from tests.e2e.scenarios.intervals import INTERVALS
from tests.robustness.forms import long_form
from tests.robustness.workload import at_work
from tests.support.processes.breakable_runtime import BreakableRuntime
from tests.support.servers.temporary import temporary

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOUR: Final = 3600


class WrongClockRuntime(BreakableRuntime):
    """A runtime in which each service has a wall clock of its own."""

    def offset_file(self, part: str) -> Path:
        """The file from which the part reads by how many seconds its wall clock is wrong."""
        return self.folder.path / f"{part}.offset"

    def jump(self, part: str, seconds: int) -> None:
        """Make the part's wall clock wrong by so many seconds."""
        self.offset_file(part).write_text(str(seconds))

    async def _start_service(self, process_environment: ProcessEnvironment, name: str) -> None:
        extra = {
            **process_environment.extra,
            DEBUG: "true",
            OFFSET_FILE: str(self.offset_file(name)),
        }
        await super()._start_service(replace(process_environment, extra=extra), name)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def runtime() -> AsyncIterator[WrongClockRuntime]:
    async with temporary(
        WrongClockRuntime(LocalRuntimeOptions.temporary(environment=INTERVALS))
    ) as runtime:
        yield runtime


@pytest.mark.parametrize("seconds", [HOUR, *long_form(-HOUR)], ids=["forward", "back"])
async def test_clocks_that_jump_by_an_hour_fail_nobody_and_credentials_hold(
    runtime: WrongClockRuntime, tmp_path: Path, seconds: int
) -> None:
    async with at_work(runtime, tmp_path) as workload:
        scenario, newcomers = workload.scenario, []
        for part in MODULES:
            runtime.jump(part, seconds)
            await workload.works_on()
            # Enrolled, registered and heard by credentials that are made and read after the jump.
            newcomer = await scenario.participant(f"agent.{part}", capabilities=["policy_check"])
            await scenario.standing(newcomer.id, "active")
            newcomers.append(newcomer)
            runtime.jump(part, 0)
        for part in MODULES:
            runtime.jump(part, seconds)
        await workload.works_on()
        assert not await scenario.events("PARTICIPANT_FAILED")
        assert not await scenario.events("TASK_MIGRATING")
        await newcomers[-1].fall_silent()
        await scenario.standing(newcomers[-1].id, "failed")
        for part in MODULES:
            runtime.jump(part, 0)
        await workload.works_on()
        (failed,) = await scenario.events("PARTICIPANT_FAILED")
        assert failed.participant == newcomers[-1].id

"""Parts that die are started again, with a back-off, until one keeps dying."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest

from phoenix_runtime.core.clock import ManualClock
from phoenix_runtime.local.processes.reaper import is_running
from phoenix_runtime.local.processes.restarts import KeepsDying, Part, Restarter, RestartPolicy
from phoenix_runtime.local.processes.supervisor import Program, Supervisor
from tests.support.waiting.until import PATIENCE, until

SLEEPS = "echo ready; exec sleep 600"
DIES = "echo it hurts; exit 7"
POLICY = RestartPolicy(first=0.01, longest=0.02, steady=60.0, tries=4)


async def holds(condition: Callable[[], bool]) -> None:
    async def look() -> bool:
        return condition()

    await until(look)


class Kept:
    """Two bash programs, the second of which stands on the first, and what was said of them."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.scripts = {"below": SLEEPS, "above": SLEEPS}
        self.clock = ManualClock()
        self.supervisor = Supervisor()
        self.changes: list[dict[str, tuple[bool, int]]] = []
        self.said: list[str] = []
        self.restarter = Restarter(self.supervisor, self.clock, self._changed)

    async def start(self, name: str) -> None:
        script = self.scripts[name]
        log = self.logs / name
        program = Program(name=name, command=["bash", "-c", script], log=log)
        child = await self.supervisor.start(program)
        if script == DIES:
            await child.wait()

    def parts(self) -> list[Part]:
        below = Part(name="below", program="below", start=partial(self.start, "below"))
        above = Part(
            name="above", program="above", start=partial(self.start, "above"), stands_on=("below",)
        )
        return [below, above]

    async def restarted(self, name: str, times: int) -> None:
        await holds(lambda: (True, times) in [change[name] for change in self.changes])

    def kill(self, name: str) -> None:
        os.kill(self.supervisor.children[name].pid, signal.SIGKILL)

    def _changed(self) -> None:
        states = self.restarter.states.items()
        self.changes.append({name: (state.up, state.restarts) for name, state in states})


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Kept]:
    kept = Kept(tmp_path)
    await kept.supervisor.open()
    for name in kept.scripts:
        await kept.start(name)
    kept.restarter.began(kept.parts())
    yield kept
    await kept.supervisor.close()


async def test_what_was_killed_runs_again_and_its_state_says_how_often_and_why(kept: Kept) -> None:
    keeping = asyncio.create_task(kept.restarter.keep(POLICY, kept.said.append))
    kept.kill("above")
    await kept.restarted("above", 1)
    kept.kill("above")
    await kept.restarted("above", 2)
    state = kept.restarter.states["above"]
    assert "above was ended by signal 9" in state.last_exit
    assert kept.restarter.states["below"].restarts == 0
    assert any("started again in 0.01 s" in sentence for sentence in kept.said)
    assert is_running(kept.supervisor.children["above"].pid)
    keeping.cancel()
    await asyncio.wait({keeping})


async def test_what_keeps_dying_is_given_up_with_the_end_of_its_log(kept: Kept) -> None:
    kept.scripts["above"] = DIES
    keeping = asyncio.create_task(kept.restarter.keep(POLICY, kept.said.append))
    kept.kill("above")
    given_up = await asyncio.wait_for(keeping, PATIENCE)
    assert isinstance(given_up, KeepsDying)
    assert "given up after 4 deaths in a row: above ended with code 7" in str(given_up)
    assert "it hurts" in str(given_up)


def test_the_pauses_double_up_to_the_longest() -> None:
    policy = RestartPolicy(first=0.5, longest=3.0)
    assert [policy.pause(deaths) for deaths in range(1, 6)] == [0.5, 1.0, 2.0, 3.0, 3.0]


async def test_a_part_that_lived_for_a_while_is_counted_anew(kept: Kept) -> None:
    keeping = asyncio.create_task(kept.restarter.keep(POLICY, kept.said.append))
    for times in range(1, 2 * POLICY.tries):
        kept.clock.advance(POLICY.steady)
        kept.kill("above")
        await kept.restarted("above", times)
    assert not keeping.done()
    keeping.cancel()
    await asyncio.wait({keeping})


async def test_a_part_waits_for_what_it_stands_on(kept: Kept) -> None:
    below_may_start = asyncio.Event()
    start = kept.start

    async def held(name: str) -> None:
        if name == "below":
            await below_may_start.wait()
        await start(name)

    kept.start = held  # type: ignore[method-assign]
    kept.restarter.began(kept.parts())
    keeping = asyncio.create_task(kept.restarter.keep(POLICY, kept.said.append))
    kept.kill("below")
    await holds(lambda: not kept.restarter.states["below"].up)
    kept.kill("above")
    await holds(lambda: "above" not in kept.supervisor.children)
    assert not kept.restarter.states["above"].up
    below_may_start.set()
    await kept.restarted("above", 1)
    assert kept.restarter.states["below"].restarts == 1
    keeping.cancel()
    await asyncio.wait({keeping})


async def test_a_killed_reaper_is_replaced_and_told_what_runs(kept: Kept) -> None:
    keeping = asyncio.create_task(kept.restarter.keep(POLICY, kept.said.append))
    first = kept.supervisor._reaper
    assert first is not None
    first.kill()
    await holds(lambda: kept.supervisor._reaper is not first)
    second = kept.supervisor._reaper
    keeping.cancel()
    await asyncio.wait({keeping})
    children = list(kept.supervisor.children.values())
    assert second is not None
    assert second.stdin is not None
    second.stdin.close()  # as if the runtime had been killed
    await asyncio.wait_for(asyncio.gather(*(child.wait() for child in children)), PATIENCE)
    await second.wait()

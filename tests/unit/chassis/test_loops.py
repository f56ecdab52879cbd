"""Loops: woken, paused by failure, ended in order."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from phoenix_runtime.chassis.loops import LONGEST_PAUSE, Loop, pause_after
from tests.support.waiting.until import PATIENCE

LONG = 3600.0


class Steps:
    """Counts steps; ``then`` says what the next ones do."""

    def __init__(self, *then: object) -> None:
        self._then = list(then)
        self.count = 0
        self.changed = asyncio.Event()

    async def __call__(self) -> object:
        self.count += 1
        self.changed.set()
        outcome = self._then.pop(0) if self._then else False
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def reach(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.count < count:
                self.changed.clear()
                await self.changed.wait()


async def running(steps: Callable[[], Awaitable[object]]) -> Loop:
    loop = Loop("test", LONG, steps)
    await loop.start()
    return loop


async def test_a_loop_begins_at_once_and_then_waits_to_be_woken() -> None:
    steps = Steps()
    loop = await running(steps)
    await steps.reach(1)
    loop.wake()
    await steps.reach(2)
    await loop.stop()
    assert steps.count == 2


async def test_a_loop_goes_on_while_there_is_more() -> None:
    steps = Steps("more", "more", "")
    loop = await running(steps)
    await steps.reach(3)
    await loop.stop()
    assert steps.count == 3


async def test_a_step_says_how_long_to_rest_instead_of_the_interval() -> None:
    steps = Steps(timedelta(milliseconds=1), timedelta(0))
    loop = await running(steps)
    await steps.reach(3)
    await loop.stop()
    assert steps.count == 3


async def test_a_loop_outlives_a_failing_step() -> None:
    steps = Steps(OSError("away"), ValueError("a bug"))
    loop = await running(steps)
    await steps.reach(3)
    await loop.stop()


async def test_waking_does_not_hurry_a_loop_that_pauses_after_a_failure() -> None:
    steps = Steps(*[OSError("away")] * 3)
    begun = asyncio.get_running_loop().time()
    loop = await running(steps)
    while steps.count < 3:
        loop.wake()
        await asyncio.sleep(0)
    assert asyncio.get_running_loop().time() - begun >= 0.05 + 0.1
    await loop.stop()


async def test_a_wake_up_during_a_step_is_not_lost() -> None:
    began, go_on = asyncio.Event(), asyncio.Event()
    steps = Steps()

    async def slow() -> object:
        began.set()
        await go_on.wait()
        return await steps()

    loop = await running(slow)
    await began.wait()
    loop.wake()
    go_on.set()
    await steps.reach(2)
    await loop.stop()


async def test_what_may_wait_is_done_in_time_and_together_with_what_may_not() -> None:
    steps = Steps()
    loop = await running(steps)
    await steps.reach(1)
    loop.wake(within=0.01)
    loop.wake(within=0.01)
    await steps.reach(2)
    loop.wake(within=3600)
    loop.wake()
    await steps.reach(3)
    await loop.stop()
    assert steps.count == 3


async def test_stopping_lets_the_step_under_way_finish() -> None:
    began, go_on, finished = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def step() -> None:
        began.set()
        await go_on.wait()
        finished.set()

    loop = await running(step)
    await began.wait()
    stopping = asyncio.create_task(loop.stop())
    await asyncio.sleep(0)
    assert not stopping.done()
    go_on.set()
    await stopping
    assert finished.is_set()


async def test_stopping_cuts_off_a_step_that_never_ends() -> None:
    began = asyncio.Event()

    async def step() -> None:
        began.set()
        await asyncio.Event().wait()

    loop = await running(step)
    await began.wait()
    await loop.stop(grace=0.01)


def test_pauses_grow_to_a_bound_and_are_jittered() -> None:
    assert 0.05 <= pause_after(1) <= 0.1
    assert all(LONGEST_PAUSE / 2 <= pause_after(50) <= LONGEST_PAUSE for _ in range(20))
    assert len({pause_after(5) for _ in range(20)}) > 1

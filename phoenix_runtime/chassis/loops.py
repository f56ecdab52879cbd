"""Worker loops: each runs a use case again and again until it is stopped."""

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import structlog
from prometheus_client import Counter, Histogram

from phoenix_runtime.chassis.serving import working

log = structlog.get_logger()

STEPS: Final = Counter("phoenix_dma_loop_steps_total", "Steps of worker loops", ["loop", "outcome"])
SECONDS: Final = Histogram("phoenix_dma_loop_step_seconds", "Length of a loop's steps", ["loop"])
FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0
CANCEL_SECONDS: Final = 0.5


class Loop:
    """Runs ``step`` again and again: every ``interval`` seconds, and at once when woken.

    ``step`` answers true where it stopped at its limit and there is more: it is run again at once.
    It answers a ``timedelta`` where it knows when there may be work: that is the rest instead of
    ``interval`` then, so that what polls need not poll what cannot have changed.
    Where it raises, the error is logged and counted, and the loop pauses: 0.1 s, then twice as
    long each time up to 5 s, with jitter, and no `wake` cuts that short. ``linger`` seconds pass
    between a wake-up and the step, so that what is committed together is handled together.
    """

    def __init__(
        self,
        name: str,
        interval: float,
        step: Callable[[], Awaitable[object]],
        *,
        linger: float = 0.0,
    ) -> None:
        self.name = name
        self._interval = interval
        self._step = step
        self._linger = linger
        self._woken = asyncio.Event()
        self._ending = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._done, self._failed = (STEPS.labels(name, outcome) for outcome in ("done", "failed"))
        self._seconds = SECONDS.labels(name)

    async def start(self) -> None:
        """Start; the first step is run at once."""
        self._task = asyncio.create_task(self._run(), name=self.name)

    def wake(self, within: float = 0.0) -> None:
        """Run a step soon, at the latest in ``within`` seconds.

        Called from the event loop that the loop runs in.
        """
        if not within:
            self._woken.set()
            return
        loop = asyncio.get_running_loop()
        at = loop.time() + within
        if self._timer is None or at < self._timer.when():
            self._drop_timer()
            self._timer = loop.call_at(at, self._woken.set)

    async def step_once(self) -> object:
        """Run one step now and answer what it answers; raises what it raises."""
        begun = time.perf_counter()
        outcome = self._failed
        try:
            more = await self._step()
            outcome = self._done
            return more
        finally:
            outcome.inc()
            self._seconds.observe(time.perf_counter() - begun)

    async def stop(self, grace: float = 5.0) -> None:
        """Stop after the current step, or cancel it after ``grace`` seconds."""
        if self._task is None:
            return
        self._ending.set()
        self._drop_timer()
        self._woken.set()
        await asyncio.wait([self._task], timeout=grace)
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._task = None

    async def _run(self) -> None:
        working.set(self.name)
        failures = 0
        while not self._ending.is_set():
            self._woken.clear()
            self._drop_timer()
            try:
                more = await self.step_once()
            except Exception as error:  # an error must not end the loop
                failures += 1
                log.warning("loop_failed", loop=self.name, failures=failures, exc_info=error)
                await _wait(self._ending, pause_after(failures))
                continue
            failures = 0
            if isinstance(more, timedelta):
                await self._rest(more.total_seconds())
            elif not more:
                # Replicas that started together should not ask together for ever.
                await self._rest(self._interval * random.uniform(0.9, 1.1))  # noqa: S311

    def _drop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _rest(self, seconds: float) -> None:
        await _wait(self._woken, seconds)
        if self._linger and self._woken.is_set():
            await _wait(self._ending, self._linger)


async def end(task: asyncio.Task[None]) -> None:
    """Cancel ``task`` until it has ended.

    More than once: a client that times out at that very moment passes the time-out on, and
    swallows the cancellation.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=CANCEL_SECONDS)


def pause_after(failures: int) -> float:
    """Seconds to pause after so many failures in a row, with jitter."""
    longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(failures - 1, 10))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311  # jitter is no secret


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Wait for ``event``, at most so long."""
    if not event.is_set():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()

"""Starts dead parts of a runtime again, with a back-off, until one keeps dying.

A part is kept by a task of its own: it waits for the part's death, waits a little, longer each
time, and starts it. A part that lived for a while has a clean slate.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from phoenix_runtime.core.clock import Clock
from phoenix_runtime.local.errors import LocalRuntimeError
from phoenix_runtime.local.processes.supervisor import CannotStart, ProgramDied, Supervisor

_log = logging.getLogger(__name__)

Tell = Callable[[str], None]
"""Takes a sentence for the person who started the runtime."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartPolicy:
    """When a dead part is started again, and when no longer; seconds.

    The first pause is ``first``, each further one twice as long, at most ``longest``. A part that
    lived ``steady`` seconds is counted anew; one that died ``tries`` times without that keeps
    dying.
    """

    first: float = 0.5
    longest: float = 15.0
    steady: float = 60.0
    tries: int = 5

    def pause(self, deaths: int) -> float:
        """Return how long to wait after so many deaths in a row."""
        return min(self.longest, self.first * 2.0 ** (deaths - 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class PartState:
    """What ``status`` says of a part: since when it is as it is (ISO 8601), and how it last ended.

    ``restarts`` counts since the runtime came up.
    """

    up: bool = True
    since: str
    restarts: int = 0
    last_exit: str = ""


class KeepsDying(LocalRuntimeError):
    """A part died again and again; the text ends with the last lines of its log."""

    reason = "PART_KEEPS_DYING"
    remedy = ProgramDied.remedy

    def __init__(self, deaths: int, last: LocalRuntimeError) -> None:
        """Take the number of deaths and the last one."""
        text = f"given up after {deaths} deaths in a row: {last.text}"
        super().__init__(text, {**last.facts, "deaths": deaths})


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part that is kept: the program's name, how to start it, and the parts that it stands on."""

    name: str
    program: str
    start: Callable[[], Awaitable[None]]
    stands_on: tuple[str, ...] = ()


class Restarter:
    """Keeps the parts of one runtime running."""

    def __init__(
        self,
        supervisor: Supervisor,
        clock: Clock,
        changed: Callable[[], object],
    ) -> None:
        """Take whose programs these are; ``changed`` is called after each change of `states`."""
        self._supervisor = supervisor
        self._clock = clock
        self._changed = changed
        self._policy = RestartPolicy()
        self._parts: list[Part] = []
        self._up: dict[str, asyncio.Event] = {}
        self.states: dict[str, PartState] = {}

    def began(self, parts: list[Part]) -> None:
        """Record that these parts are up."""
        self._parts = parts
        for part in parts:
            self.states[part.name] = PartState(since=self._now())
            self._up[part.name] = asyncio.Event()
            self._up[part.name].set()

    async def keep(self, policy: RestartPolicy, tell: Tell) -> KeepsDying:
        """Start again whatever dies; return once a part keeps dying."""
        self._policy = policy
        keeping = [asyncio.create_task(self._keep(part, tell)) for part in self._parts]
        reaper = asyncio.create_task(self._supervisor.keep_reaper())
        tasks: set[asyncio.Task[KeepsDying] | asyncio.Task[None]] = {*keeping, reaper}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return next(task.result() for task in keeping if task in done)

    async def _keep(self, part: Part, tell: Tell) -> KeepsDying:
        deaths = 0
        while True:
            began = self._clock.monotonic()
            died = await self._death(part)
            if self._clock.monotonic() - began >= self._policy.steady:
                deaths = 0
            while True:
                deaths += 1
                if deaths >= self._policy.tries:
                    return KeepsDying(deaths, died)
                failed = await self._start_again(part, deaths, died, tell)
                if failed is None:
                    break
                died = failed

    async def _death(self, part: Part) -> LocalRuntimeError:
        child = self._supervisor.children[part.program]
        return ProgramDied(child.program, await child.wait())

    async def _start_again(
        self, part: Part, deaths: int, died: LocalRuntimeError, tell: Tell
    ) -> LocalRuntimeError | None:
        """Start a part after its death, or after a start that failed; return how this one fails."""
        self._up[part.name].clear()
        pause = self._policy.pause(deaths)
        said = died.text.partition(";")[0]
        self._set(part, up=False, last_exit=f"{self._now()}: {said}")
        tell(f"{said}; it is started again in {pause:g} s")
        await asyncio.sleep(pause)
        try:
            await self._supervisor.discard(part.program)
            for other in part.stands_on:
                await self._up[other].wait()
            await part.start()
        except LocalRuntimeError as error:
            return error
        except Exception as error:  # noqa: BLE001 - whatever a start fails with counts as a death
            return CannotStart(f"{part.name} could not be started: {error!r}", {"part": part.name})
        self._up[part.name].set()
        self._set(part, up=True, restarts=self.states[part.name].restarts + 1)
        tell(f"{part.name} is up again")
        return None

    def _set(self, part: Part, **changes: object) -> None:
        state = replace(self.states[part.name], since=self._now(), **changes)  # type: ignore[arg-type]
        self.states[part.name] = state
        try:
            self._changed()
        except OSError as error:  # a disk that is full ends nothing that runs
            _log.warning("the state of %s could not be written: %s", part.name, error)

    def _now(self) -> str:
        return self._clock.now().isoformat(timespec="seconds")

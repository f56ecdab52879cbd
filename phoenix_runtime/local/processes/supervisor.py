"""Starts programs, waits until they are ready, and stops every one of them.

Every program leads a session of its own: Ctrl-C in the terminal reaches the runtime alone, which
stops its programs in order. If the runtime is killed, two mechanisms stop them: the kernel's
parent-death signal (``parent_death.py``) and the reaper at the other end of a pipe (``reaper.py``).
What dies is reported; ``restarts.py`` starts it again.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from phoenix_runtime.local.errors import LocalRuntimeError
from phoenix_runtime.local.processes import parent_death, reaper

PROBE_SECONDS: Final = 0.02
TAIL_LINES: Final = 20


@dataclass(frozen=True, slots=True)
class Account:
    """The user that a program becomes; only root can become another."""

    uid: int
    gid: int


SAME_USER: Final = Account(parent_death.KEEP_USER, parent_death.KEEP_USER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to run: its complete environment, the log that takes both outputs, how to stop it.

    ``grace`` is how many seconds it has between its stop signal and SIGKILL.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    log: Path
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 10.0
    account: Account = SAME_USER


class ProgramDied(LocalRuntimeError):
    """A program ended by itself; the text ends with the last lines of its log."""

    reason = "PART_DIED"
    remedy = "Look into its log; `phoenix-dma doctor` says what is wrong with the set-up."

    def __init__(self, program: Program, code: int) -> None:
        """Name the program and how it ended; a negative ``code`` is a signal's number."""
        self.name = program.name
        self.code = code
        how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
        super().__init__(
            f"{program.name} {how}; its log {program.log} ends:\n{tail(program.log)}",
            {"part": program.name, "code": code, "log": program.log},
        )


class CannotStart(LocalRuntimeError):
    """A program could not even be started."""

    reason = "PART_DIED"
    remedy = "See that the machine has memory and processes left, then start it again."


class NotReady(LocalRuntimeError):
    """A program lives but did not become ready in time."""

    reason = "PART_NOT_READY"
    remedy = "Look into its log; on a machine that is busy start it again later."

    def __init__(self, program: Program, seconds: float) -> None:
        """Name the program and how many ``seconds`` it had."""
        super().__init__(
            f"{program.name} was not ready after {seconds:g} s; its log ends:\n{tail(program.log)}",
            {"part": program.name, "seconds": f"{seconds:g}", "log": program.log},
        )


def tail(log: Path) -> str:
    """Return the last lines of a log, or an empty text where there is none."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-TAIL_LINES:])


class Child:
    """A running program."""

    def __init__(self, program: Program, pid: int, ended: asyncio.Future[int]) -> None:
        """Take the process id of a started program; ``ended`` gets its exit code."""
        self.program = program
        self.pid = pid
        self.ended = ended

    async def until(self, probe: Callable[[], Awaitable[bool]], seconds: float) -> None:
        """Wait until the probe holds; raise `ProgramDied`, or `NotReady` after ``seconds``."""
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            ready = await probe()
            # Judged after the probe: another program may answer where this one could not listen.
            if self.ended.done():
                raise ProgramDied(self.program, self.ended.result())
            if ready:
                return
            if asyncio.get_running_loop().time() > deadline:
                raise NotReady(self.program, seconds)
            await asyncio.sleep(PROBE_SECONDS)

    async def wait(self) -> int:
        """Wait for its end and return its code; a cancelled wait does not stop the program."""
        await asyncio.wait([self.ended])
        return self.ended.result()

    async def stop(self) -> None:
        """Send its stop signal, kill it after its grace period, and kill its whole session."""
        if not self.ended.done():
            reaper.send(self.pid, self.program.stop_signal)
            await asyncio.wait([self.ended], timeout=self.program.grace)
        # Processes that it started and did not stop live in its session, however it ended.
        reaper.kill_group(self.pid)
        await self.wait()


class Supervisor:
    """The programs of one runtime; ``open`` first, ``close`` last."""

    def __init__(self, *, reaper_grace: float = reaper.GRACE_SECONDS) -> None:
        """Start with no program; after a kill each program has ``reaper_grace`` seconds to end."""
        self._reaper_grace = reaper_grace
        self.children: dict[str, Child] = {}
        self._reaper: asyncio.subprocess.Process | None = None
        self._held: tuple[int, ...] = ()

    async def open(self, *held: int) -> None:
        """Start the reaper; it inherits what is ``held`` (locks) and keeps it until it exits."""
        self._held = held
        self._reaper = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", reaper.__file__, str(self._reaper_grace)),
            stdin=asyncio.subprocess.PIPE,
            pass_fds=held,
            start_new_session=True,
            cwd="/",
        )

    async def keep_reaper(self) -> None:
        """Start the reaper again whenever it was killed, and tell it what runs; never returns."""
        while self._reaper is not None:
            await self._reaper.wait()
            await self.open(*self._held)
            for child in self.children.values():
                self._notify_reaper(f"+{child.pid} {int(child.program.stop_signal)}")

    async def start(self, program: Program, *, inherited: tuple[int, ...] = ()) -> Child:
        """Start a program; it is not ready yet when this returns (`Child.until`).

        ``inherited`` are descriptors that it gets under the same numbers.
        """
        handle = os.open(program.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            process = await asyncio.create_subprocess_exec(
                *self._with_parent_death(program),
                env=dict(program.environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=handle,
                stderr=handle,
                pass_fds=inherited,
                start_new_session=True,
                cwd="/",
            )
        finally:
            os.close(handle)
        return self.adopt(program, process.pid, asyncio.create_task(process.wait()))

    def adopt(self, program: Program, pid: int, ended: asyncio.Future[int]) -> Child:
        """Supervise a program that runs already, in its own session; ``ended`` gets its code."""
        child = Child(program, pid, ended)
        self.children[program.name] = child
        self._notify_reaper(f"+{child.pid} {int(program.stop_signal)}")
        return child

    async def stop(self, *names: str) -> None:
        """Stop these programs concurrently; names that do not run are ignored."""
        children = [self.children.pop(name) for name in names if name in self.children]
        await asyncio.gather(*(child.stop() for child in children))
        for child in children:
            self._notify_reaper(f"-{child.pid}")

    async def discard(self, name: str) -> None:
        """Forget a program that is to be started again; returns once its processes are gone."""
        child = self.children.get(name)
        if child is None:
            return
        await self.stop(name)
        # What another process forked is told to have ended with that process, before it has.
        while reaper.is_running(child.pid):  # noqa: ASYNC110 - nothing tells us of its end
            await asyncio.sleep(PROBE_SECONDS)

    async def close(self) -> None:
        """Stop what still runs, the newest first, then the reaper."""
        for name in reversed(list(self.children)):
            await self.stop(name)
        if self._reaper is not None and self._reaper.stdin is not None:
            self._reaper.stdin.close()
            await self._reaper.wait()
            self._reaper = None

    async def until_death(self) -> ProgramDied:
        """Wait until a program ends that nobody stopped; return which, and how."""
        waiting = {child.ended: child for child in self.children.values()}
        if not waiting:
            await asyncio.Event().wait()
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        first = waiting[next(iter(done))]
        return ProgramDied(first.program, first.ended.result())

    def _with_parent_death(self, program: Program) -> list[str]:
        account = program.account
        numbers = (os.getpid(), int(program.stop_signal), account.uid, account.gid)
        prefix = [sys.executable, "-I", "-S", parent_death.__file__, *map(str, numbers), "--"]
        return [*prefix, *program.command]

    def _notify_reaper(self, line: str) -> None:
        if self._reaper is None or self._reaper.stdin is None:
            raise RuntimeError("the supervisor is not open")
        self._reaper.stdin.write(f"{line}\n".encode())

"""The supervisor on real processes: what it starts is reported, stopped, and never left behind."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from phoenix_runtime.local.processes import reaper
from phoenix_runtime.local.processes.supervisor import NotReady, Program, ProgramDied, Supervisor
from tests.support.waiting.until import PATIENCE

STUBBORN = "trap '' TERM; echo ready; sleep 600; sleep 600"

SUPERVISING = """
import asyncio, os, sys
from pathlib import Path
from phoenix_runtime.local.processes.supervisor import Program, Supervisor

async def main():
    supervisor = Supervisor(reaper_grace=1.0)
    await supervisor.open()
    for name, script in (("willing", "echo ready; exec sleep 600"), ("stubborn", sys.argv[2])):
        log = Path(sys.argv[1]) / name
        child = await supervisor.start(Program(name=name, command=["bash", "-c", script], log=log))
        async def ready():
            return "ready" in log.read_text()
        await child.until(ready, 300)
        print(child.pid)
    print(supervisor._reaper.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
async def supervisor() -> AsyncIterator[Supervisor]:
    supervisor = Supervisor()
    await supervisor.open()
    yield supervisor
    await supervisor.close()


@pytest.fixture
def killed_runtime(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A process that supervises two programs, and the ids of both and of its reaper."""
    process = subprocess.Popen(
        [sys.executable, "-c", SUPERVISING, str(tmp_path), STUBBORN],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    pids = [int(process.stdout.readline()) for _ in range(3)]
    yield process, pids
    process.stdout.close()
    process.kill()
    process.wait()
    for pid in pids:
        reaper.kill_group(pid)  # whatever a failed test let live


def gone(pid: int) -> bool:
    """Wait until a process that is not ours has ended."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], PATIENCE)[0])
    finally:
        os.close(handle)


def reaper_process() -> subprocess.Popen[str]:
    """A reaper that waits as long as a test does before it kills."""
    command = [sys.executable, "-I", "-S", reaper.__file__, str(PATIENCE)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, text=True)


def bash(tmp_path: Path, script: str, grace: float = 10.0) -> Program:
    return Program(
        name="sample", command=["bash", "-c", script], log=tmp_path / "sample.log", grace=grace
    )


async def has_said(program: Program, word: str) -> bool:
    return word in program.log.read_text()


async def test_a_program_that_ends_by_itself_is_reported_with_the_end_of_its_log(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    await supervisor.start(bash(tmp_path, "echo the reason why >&2; exit 7"))
    death = await supervisor.until_death()
    assert death.code == 7
    assert "the reason why" in str(death)


async def test_waiting_for_a_program_that_died_says_so_at_once(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    program = bash(tmp_path, "exit 3")
    child = await supervisor.start(program)
    with pytest.raises(ProgramDied, match="ended with code 3"):
        await child.until(lambda: has_said(program, "never"), PATIENCE)


async def test_a_program_that_is_never_ready_is_given_up_after_its_time(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    program = bash(tmp_path, "sleep 600")
    child = await supervisor.start(program)
    with pytest.raises(NotReady):
        await child.until(lambda: has_said(program, "never"), 0.1)


async def test_a_program_that_ignores_its_stop_signal_is_killed_after_its_grace(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    program = bash(tmp_path, STUBBORN, grace=0.2)
    child = await supervisor.start(program)
    await child.until(lambda: has_said(program, "ready"), PATIENCE)
    await supervisor.stop("sample")
    assert child.ended.result() == -signal.SIGKILL


async def test_stopping_a_program_takes_along_what_it_started(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    program = bash(tmp_path, "sleep 600 & echo child $!; wait")
    child = await supervisor.start(program)
    await child.until(lambda: has_said(program, "child"), PATIENCE)
    grandchild = int(program.log.read_text().split()[1])
    await supervisor.stop("sample")
    assert gone(grandchild)


@pytest.mark.skipif(sys.platform != "linux", reason="pidfd")
def test_a_killed_supervisor_takes_its_programs_along_even_stubborn_and_stopped_ones(
    killed_runtime: tuple[subprocess.Popen[str], list[int]],
) -> None:
    runtime, (willing, stubborn, reaper_pid) = killed_runtime
    os.kill(willing, signal.SIGSTOP)
    runtime.kill()
    assert gone(willing)
    assert gone(stubborn)
    assert gone(reaper_pid)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal")
def test_the_programs_end_even_when_runtime_and_reaper_are_killed_together(
    killed_runtime: tuple[subprocess.Popen[str], list[int]],
) -> None:
    runtime, (willing, stubborn, reaper_pid) = killed_runtime
    os.kill(reaper_pid, signal.SIGKILL)
    runtime.kill()
    assert gone(willing)
    assert reaper.is_running(stubborn)  # only the reaper ends what ignores its signal


@pytest.mark.skipif(sys.platform != "linux", reason="pidfd")
def test_the_reaper_alone_stops_what_the_kernel_does_not() -> None:
    program = subprocess.Popen(["sleep", "600"], start_new_session=True)
    watching = reaper_process()
    watching.communicate(f"+{program.pid} {int(signal.SIGTERM)}\n", timeout=PATIENCE)
    assert program.wait(PATIENCE) == -signal.SIGTERM


def test_the_reaper_leaves_alone_what_ended_in_order() -> None:
    program = subprocess.Popen(["sleep", "600"], start_new_session=True)
    watching = reaper_process()
    watching.communicate(f"+{program.pid} 15\n-{program.pid}\n", timeout=PATIENCE)
    assert program.poll() is None
    program.kill()
    program.wait()

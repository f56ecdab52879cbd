"""What a program has started, and how to kill it with all of that."""

import asyncio
import signal
from contextlib import suppress
from pathlib import Path

from phoenix_runtime.local.processes.reaper import is_running, send

POLL_SECONDS = 0.01


async def kill_tree(pid: int) -> None:
    """SIGKILL to the program and its descendants; returns once all of them are gone.

    A PostgreSQL backend leads a session of its own, outlives its postmaster by a moment and, in
    that moment, answers: a test that kills the postmaster alone may see a commit succeed.
    """
    send(pid, signal.SIGSTOP)  # what does not run starts nothing
    tree = [pid, *descendants(pid)]
    for each in tree:
        send(each, signal.SIGKILL)
    while any(map(is_running, tree)):  # noqa: ASYNC110 - nothing tells us of their end
        await asyncio.sleep(POLL_SECONDS)


def children_of(pid: int) -> list[int]:
    """What that process has started itself and has not ended; nothing of one that is gone."""
    found: list[int] = []
    # The process, or one of its threads, may end while it is looked at.
    with suppress(FileNotFoundError, ProcessLookupError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):
                children = (thread / "children").read_text()
                found += [int(child) for child in children.split()]
    return found


def descendants(pid: int) -> list[int]:
    """What that process has started, and what those have, as long as all of them run."""
    children = children_of(pid)
    return children + [each for child in children for each in descendants(child)]

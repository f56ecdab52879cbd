"""An agent's handler that does something outside: it writes one line into a file, under its key.

Options, under ``pays``: ``file`` (what is outside), ``dies`` (a point of `POINTS` at which the
process kills itself), ``human`` (the action is one that a human has to allow), ``blind`` (it cannot
look whether something was done).
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from phoenix_dma.aio.task import AsyncTask

POINTS: Final = ("before asking", "before doing", "after doing", "after recording")
PAIR: Final = {"keep": "customer.1", "merge": ["customer.2"]}

Say = Callable[..., None]


async def pay(task: AsyncTask, options: dict[str, Any], say: Say) -> dict[str, Any]:
    """Do it once, whatever an earlier owner did, and say what was found."""
    file, dies = Path(options["file"]), options.get("dies", "")

    def reach(point: str) -> None:
        if dies == point:
            os.kill(os.getpid(), signal.SIGKILL)

    def do(key: str) -> dict[str, str]:
        reach("before doing")
        with file.open("a") as written:
            written.write(f"{key}\n")
            written.flush()
            os.fsync(written.fileno())
        reach("after doing")
        return {"paid": key}

    def look(key: str) -> dict[str, str] | None:
        known = file.read_text().split() if file.exists() else []
        return {"paid": key} if key in known else None

    say("asking", unknown=[one.id for one in task.unknown_effects])
    reach("before asking")
    if options.get("human"):
        effect = task.effect("final_action", "merge", PAIR, domain="customer_master")
    else:
        effect = task.effect("tool_invocation", "pay", PAIR)
    outcome: dict[str, Any] = await task.once(effect, do, None if options.get("blind") else look)
    reach("after recording")
    return outcome

"""What a run was measured on, and with which commit."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[3]
BUSY: Final = 0.5
"""The load of the last minute above which a run says that the machine is not idle."""


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine as a run begins, and how many others wait for its processors."""

    record: dict[str, Any]

    @property
    def text(self) -> str:
        """One line, which says so where the machine is not idle."""
        said = self.record
        busy = " – NOT IDLE" if said["load"] > BUSY else ""
        return (
            f"{said['commit']}, {said['at']}, {said['cores']} cores of {said['processor']},"
            f" {said['memory_gib']} GiB, Python {said['python']}, load {said['load']}{busy}"
            + "".join(f"; {peer}" for peer in said["peers"])
        )


def machine(peers: Sequence[str] = ()) -> Machine:
    """This machine now, and which versions of ``peers`` are on it."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Machine(
        {
            "commit": _commit(),
            "at": datetime.now(UTC).isoformat(timespec="minutes"),
            "cores": len(os.sched_getaffinity(0)),
            "processor": _processor(),
            "memory_gib": round(pages / 2**30),
            "kernel": platform.release(),
            "python": sys.version.split()[0],
            "load": round(os.getloadavg()[0], 1),
            "peers": list(peers),
        }
    )


def _commit() -> str:
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    return asked.stdout.strip() or "no commit"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()

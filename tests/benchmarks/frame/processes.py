"""What processes use: processor time by the kernel's account of it, and memory."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tests.robustness.crowds.measures import KIBIBYTE
from tests.support.processes.process_tree import descendants

TICKS: Final = os.sysconf("SC_CLK_TCK")
GONE: Final = (FileNotFoundError, ProcessLookupError)


def tree(pid: int) -> list[int]:
    """A process and all that it has started."""
    return [pid, *descendants(pid)]


def processor_ms(pids: Iterable[int]) -> float:
    """Processor time of processes and of those they have waited for, in milliseconds."""
    return sum(map(_processor_ms, pids))


def _processor_ms(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except GONE:
        return 0.0
    return 1000 * sum(map(int, fields[11:15])) / TICKS


def proportional(pids: Iterable[int]) -> int:
    """Bytes of memory that processes have, what several share divided among them."""
    return sum(map(_proportional, pids))


def _proportional(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except GONE:
        return 0
    return next((int(line.split()[1]) * KIBIBYTE for line in lines if line.startswith("Pss:")), 0)

"""What is measured: how large a process is, and how long the slowest take."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

KIBIBYTE = 1024


def resident(pid: int) -> int:
    """Bytes of memory that the process has."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * KIBIBYTE
    raise LookupError(f"no memory is said of process {pid}")


def percentile(values: Sequence[float], part: float) -> float:
    """The smallest of ``values`` that is not below ``part`` of them."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]

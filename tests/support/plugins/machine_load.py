"""What the machine did while a test failed: whether somebody else had the processors (Linux)."""

from __future__ import annotations

import os
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

STAT: Final = Path("/proc/stat")
BEGUN: Final = pytest.StashKey["MachineLoad"]()
IDLE: Final = slice(3, 5)
"""Idle, and waiting for a disk."""
STOLEN: Final = 7
"""What the hypervisor gave to somebody else."""


@dataclass(frozen=True, slots=True)
class MachineLoad:
    """The processors' counters at one moment."""

    at: float
    ticks: tuple[int, ...]

    @classmethod
    def now(cls) -> MachineLoad:
        """Read them."""
        first = STAT.read_text().partition("\n")[0]
        return cls(time.monotonic(), tuple(int(each) for each in first.split()[1:9]))

    def until(self, later: MachineLoad) -> str:
        """What happened in between, as a line."""
        spent = [after - before for before, after in zip(self.ticks, later.ticks, strict=True)]
        whole = max(1, sum(spent))
        idle, stolen = sum(spent[IDLE]) / whole, spent[STOLEN] / whole
        return (
            f"{later.at - self.at:.1f} s on {os.cpu_count()} processors: {1 - idle:.0%} busy,"
            f" {stolen:.0%} stolen by the hypervisor; load {os.getloadavg()[0]:.1f}"
        )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Look before the test begins."""
    if STAT.exists():
        item.stash[BEGUN] = MachineLoad.now()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say it beside the failure."""
    report = yield
    if report.failed and BEGUN in item.stash:
        report.sections.append(("The machine", item.stash[BEGUN].until(MachineLoad.now())))
    return report

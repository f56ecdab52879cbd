"""Runs of several pytest workers at once: what each has to itself, and what is begun first.

Each worker collects every test. A file named ``test_…_long.py`` has tests of the long form alone,
and is not read where these are left out.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pytest

from phoenix_runtime.local import ports

WORKER: Final = os.environ.get("PYTEST_XDIST_WORKER", "")
WORKERS: Final = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
TIERS: Final = (
    "tests/robustness/",
    "tests/integration/test_runtime_up.py",
    "tests/e2e/",
    "tests/integration/",
    "tests/contract/",
)
"""The longest first: a file that is begun last is one that everybody waits for."""


def pytest_configure() -> None:
    """Give each worker ports of its own: a part that is started again finds its port free."""
    if WORKER:
        share = len(ports.FREE) // WORKERS
        own = ports.FREE[int(WORKER.removeprefix("gw")) * share :][:share]
        os.environ[ports.FREE_VARIABLE] = f"{own[0]}-{own[-1]}"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the files of the long form where `make test` does."""
    without = config.getoption("markexpr") == "not long"
    return True if without and collection_path.name.endswith("_long.py") else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the tiers by what they take, where several workers share them."""
    if WORKER:
        items.sort(key=lambda item: _tier(item.nodeid))


def _tier(nodeid: str) -> int:
    return next((n for n, tier in enumerate(TIERS) if nodeid.startswith(tier)), len(TIERS))

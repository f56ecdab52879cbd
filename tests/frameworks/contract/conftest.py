"""The frameworks that ``make test-frameworks`` chose; without one, nothing here is collected."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from phoenix_dma.testing import Phoenix
from tests.frameworks.contract.running import Agents

CHOSEN = [name for name in os.environ.get("PHOENIX_DMA_TEST_FRAMEWORKS", "").split(",") if name]
collect_ignore_glob = [] if CHOSEN else ["test_*.py"]


@pytest.fixture(params=CHOSEN)
def framework(request: pytest.FixtureRequest) -> str:
    """The name of a framework's extra."""
    return str(request.param)


@pytest.fixture
def agents(framework: str, phoenix: Phoenix, tmp_path: Path) -> Iterator[Agents]:
    """Starts agent programs of the framework; those that still run are ended afterwards."""
    with Agents(framework, phoenix, tmp_path) as started:
        yield started

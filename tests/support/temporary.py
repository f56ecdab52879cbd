"""A house for the time of a test."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

from phoenix_runtime.local.house import House

AnyHouse = TypeVar("AnyHouse", bound=House)


@asynccontextmanager
async def temporary(house: AnyHouse) -> AsyncIterator[AnyHouse]:
    """Start it; afterwards, also where that fails, it is stopped and its data folder removed."""
    try:
        async with house:
            yield house
    finally:
        shutil.rmtree(house.options.data)

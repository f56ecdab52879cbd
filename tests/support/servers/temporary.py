"""A runtime for the time of a test."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

from phoenix_runtime.local.runtime import LocalRuntime

AnyRuntime = TypeVar("AnyRuntime", bound=LocalRuntime)


@asynccontextmanager
async def temporary(runtime: AnyRuntime) -> AsyncIterator[AnyRuntime]:
    """Start it; afterwards, also where that fails, it is stopped and its data folder removed."""
    try:
        async with runtime:
            yield runtime
    finally:
        shutil.rmtree(runtime.options.data)

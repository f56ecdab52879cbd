"""Temporal: a server in memory, and its Python SDK in a process of its own."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.peers.programs import READY_SECONDS, TEMPORAL_PYTHON, missing, program

LOAD: Final = Path(__file__).parent / "temporal_load" / "load.py"


async def measured(what: str, **options: float) -> dict[str, Any] | None:
    """Run one of the loads of `temporal_load`; None where Temporal is not here."""
    found = program("Temporal")
    if found is None or missing("Temporal"):
        return None
    async with _server(found) as (address, namespace):
        given = {"what": what, "address": address, "namespace": namespace, **options}
        return await _loaded(json.dumps(given))


@asynccontextmanager
async def _server(found: Path) -> AsyncIterator[list[str]]:
    """The server for the length of the block; its address and namespace."""
    process = await asyncio.create_subprocess_exec(found, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(READY_SECONDS):
            said = await process.stdout.readline()
        yield said.decode().split()
    finally:
        process.kill()
        await process.wait()


async def _loaded(options: str) -> dict[str, Any]:
    command = (str(TEMPORAL_PYTHON), str(LOAD), options)
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    try:
        out, complaints = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode:
        raise RuntimeError(f"Temporal's load failed: {complaints.decode()[-2000:]}")
    answered: dict[str, Any] = json.loads(out.splitlines()[-1])
    return answered

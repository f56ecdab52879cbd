"""Starts and ends a flood."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Final

from tests.e2e.scenarios.intervals import PATIENCE
from tests.robustness.floods.caller import Credentials

FLOODING: Final = "flooding"


@dataclass(frozen=True, slots=True)
class FloodOptions:
    """Whom to flood, and as whom; how many clients of each way never wait for anything."""

    address: str
    credentials: Credentials
    clients: int

    def line(self) -> str:
        """As one line of JSON."""
        return json.dumps(asdict(self)) + "\n"

    @classmethod
    def read(cls, line: str) -> FloodOptions:
        """Parse such a line."""
        said = json.loads(line)
        return cls(said["address"], Credentials(**said["credentials"]), said["clients"])


@asynccontextmanager
async def flood(options: FloodOptions) -> AsyncIterator[Counter[str]]:
    """The runtime is flooded, and refuses, for as long as this lasts.

    What was answered is counted once it is over.
    """
    answers: Counter[str] = Counter()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.robustness.floods"),
        stdin=PIPE,
        stdout=PIPE,
        start_new_session=True,
    )
    try:
        assert process.stdin is not None
        process.stdin.write(options.line().encode())
        assert await _said(process) == FLOODING
        yield answers
        process.stdin.close()
        answers.update(json.loads(await _said(process)))
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _said(process: Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        return (await process.stdout.readline()).decode().strip()

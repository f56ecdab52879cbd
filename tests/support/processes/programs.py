"""Programs as a user starts them: the command line and scripts, with a profile of their own."""

import asyncio
import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phoenix_dma.profile import Profile
from phoenix_runtime.local.data_folder.profile import PAPER_ADDRESS, write_profile
from phoenix_runtime.local.data_folder.profile import Profile as Written
from phoenix_runtime.local.ports import FREE_VARIABLE
from tests.support.waiting.until import PATIENCE


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, for programs; fails with what it complained about."""
        assert self.code == 0, self.err
        return json.loads(self.out)


def plain_environment() -> dict[str, str]:
    """The environment without what is set for a runtime, but for the ports of this worker."""
    return {
        name: value
        for name, value in os.environ.items()
        if name == FREE_VARIABLE or not name.startswith("PHOENIX_DMA_")
    }


class Programs:
    """Starts programs that find one runtime by themselves."""

    def __init__(self, profile: Profile, file: Path) -> None:
        assert profile.credential is not None
        write_profile(
            file,
            Written(
                grpc=profile.grpc,
                rest=profile.rest,
                tenant=profile.tenant,
                credential=profile.credential,
                resolve={PAPER_ADDRESS: profile.grpc},
            ),
        )
        self._environment = {
            **plain_environment(),
            "PHOENIX_DMA_PROFILE": str(file),
        }
        self._running: list[asyncio.subprocess.Process] = []

    async def run(self, *arguments: str, given: str | None = None) -> Ended:
        """``phoenix-dma …`` to its end; ``given`` goes to its stdin."""
        process = await self.start(*arguments)
        async with asyncio.timeout(PATIENCE):
            out, err = await process.communicate(given.encode() if given is not None else None)
        assert process.returncode is not None
        return Ended(process.returncode, out.decode(), err.decode())

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        """``phoenix-dma …`` in the background, until `leave`."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "phoenix_dma.cli",
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment,
        )
        self._running.append(process)
        return process

    async def leave(self) -> None:
        """End what still runs."""
        for process in self._running:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
        for process in self._running:
            try:
                async with asyncio.timeout(PATIENCE):
                    await process.communicate()
            except TimeoutError:
                process.kill()
                await process.wait()

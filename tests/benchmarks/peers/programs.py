"""Finds the programs of peers, and runs one for the time of a benchmark."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

TOOLS: Final = Path(__file__).parents[3] / ".tools"
"""Where ``make bench-peers`` puts what it builds."""
PEERS: Final[Mapping[str, str]] = {"etcd": "etcd", "Temporal": "temporal-in-memory"}
"""Each peer, and the program that it consists of. Valkey is the runtime's own."""
SOURCES: Final[Mapping[str, Path]] = {
    peer: Path(__file__).parent / "go" / peer.lower() for peer in PEERS
}
"""The Go module of each: neither can be installed by its name, since their modules replace others.
"""
TEMPORAL_PYTHON: Final = TOOLS / "temporal" / "bin" / "python"
"""An interpreter with Temporal's SDK, which cannot live beside the runtime's protobuf."""
READY_SECONDS: Final = 60.0
PROBE_SECONDS: Final = 0.05


def program(peer: str) -> Path | None:
    """The program of a peer: ours, else the machine's; None where there is none."""
    built = TOOLS / "bin" / PEERS[peer]
    if built.exists():
        return built
    found = shutil.which(PEERS[peer])
    return None if found is None else Path(found)


def missing(peer: str) -> str:
    """Why rows are without this peer, in one line; empty where it is here."""
    if peer not in PEERS:
        return ""
    if program(peer) is None:
        return f"{peer}: not here, rows without ratio (make bench-peers)"
    if peer == "Temporal" and not TEMPORAL_PYTHON.exists():
        return f"{peer}: its SDK is not here, rows without ratio (make bench-peers)"
    return ""


def version(peer: str) -> str:
    """What a peer that is here says of itself, in one line; for Temporal what it was built from."""
    if peer == "Temporal":
        sources = (SOURCES[peer] / "go.mod").read_text()
        return f"Temporal {sources.partition('go.temporal.io/server ')[2].split()[0]}, Python SDK"
    command = (str(program(peer)), "--version")
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return said.partition("\n")[0]


@asynccontextmanager
async def running(
    command: Sequence[str], ready: Callable[[], Awaitable[bool]]
) -> AsyncIterator[int]:
    """Run a program until the end of the block, and wait until it is ready; answers its process id.

    What it says is shown where it ends before.
    """
    with tempfile.TemporaryFile() as said:
        process = await asyncio.create_subprocess_exec(*command, stdout=said, stderr=said)
        try:
            async with asyncio.timeout(READY_SECONDS):
                while not await ready():
                    if process.returncode is not None:
                        said.seek(0)
                        text = said.read().decode(errors="replace")
                        raise RuntimeError(f"{command[0]} ended; it said: {text[-2000:]}")
                    await asyncio.sleep(PROBE_SECONDS)
            yield process.pid
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

"""Play section 13 of the paper, Governed Customer Duplicate Resolution, on real records.

    python -m examples.stewardship

It starts a runtime of its own in a temporary folder, on free ports, plays the eleven steps with
every participant in a process of its own, checks each of them, and leaves nothing running.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from examples.stewardship.chapters import CHAPTERS
from examples.stewardship.processes import AgentProcesses, Silent
from examples.stewardship.story import Narrator, Story, StoryBroken
from phoenix_dma import AsyncPhoenixClient, PhoenixError
from phoenix_dma.profile import read_profile
from phoenix_runtime.core.validate import validate
from phoenix_runtime.local.errors import LocalRuntimeError
from phoenix_runtime.local.evidence import read_evidence
from phoenix_runtime.local.runtime import LocalRuntime, LocalRuntimeOptions

PACE: Final = {
    # Shorter than a runtime of one's own has them: a story should not wait for a dead agent.
    "PHOENIX_DMA_LEASE_TTL": "PT6S",
    "PHOENIX_DMA_HEARTBEAT_INTERVAL": "PT1.5S",
}


@asynccontextmanager
async def opened(tell: Narrator) -> AsyncIterator[Story]:
    """A runtime, an empty folder, and afterwards nothing of either."""
    options = LocalRuntimeOptions.temporary(environment=PACE)
    folder = options.data / "story"
    try:
        async with LocalRuntime(options) as runtime:
            tell.plain(f"The runtime serves after {tell.seconds:.1f} s: {runtime.profile}")
            (folder / "merges").mkdir(parents=True)
            processes = AgentProcesses(runtime.profile, folder)
            client = AsyncPhoenixClient(profile=read_profile(runtime.profile))

            async def judge() -> list[str]:
                evidence = await read_evidence(runtime.admin_url, options.tenant)
                return [str(finding) for finding in validate(evidence)]

            try:
                yield Story(client, processes, tell, folder, judge)
            finally:
                await processes.leave()
                await client.close()
    finally:
        shutil.rmtree(options.data, ignore_errors=True)


async def play(tell: Narrator) -> None:
    """All eleven chapters, in order; raises what breaks the story."""
    async with opened(tell) as story:
        for number, (title, chapter) in enumerate(CHAPTERS, 1):
            tell.chapter(number, title)
            await chapter(story)
        tell.plain(f"\nAll eleven steps held, in {tell.seconds:.0f} s.")


async def main() -> int:
    """Play, and answer the exit code; Ctrl-C and SIGTERM end everything that was started."""
    tell = Narrator()
    playing = asyncio.create_task(play(tell))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, playing.cancel)
    try:
        await playing
    except asyncio.CancelledError:
        return 130
    except (StoryBroken, Silent, PhoenixError, LocalRuntimeError) as broken:
        traceback.print_exc()
        tell.plain(f"\nThe story broke: {broken}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

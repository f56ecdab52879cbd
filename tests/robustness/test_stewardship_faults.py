"""The story of section 13 of the paper completes while parts are killed; nothing happens twice.

The short form plays it once, with a service killed in two chapters and everything in one. The long
form kills each service in another chapter, adds a story for each service, killed in every chapter,
and has gateway and registry die in all but the fourth.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from io import StringIO
from typing import Final

import pytest
from rich.console import Console

from examples.stewardship.__main__ import PACE
from examples.stewardship.chapters import CHAPTERS
from examples.stewardship.processes import AgentProcesses
from examples.stewardship.story import PATIENCE, Narrator, Story
from phoenix_dma import AsyncPhoenixClient
from phoenix_dma.profile import read_profile
from phoenix_runtime.core.validate import validate
from phoenix_runtime.local.evidence import read_evidence
from phoenix_runtime.local.services import MODULES
from tests.robustness.forms import long_form
from tests.support.processes.breakable_runtime import SERVERS, BreakableRuntime, breakable_runtime
from tests.support.waiting.until import until

pytestmark = pytest.mark.timeout(1200)

Kills = Mapping[int, Sequence[str]]
"""Which parts are killed while a chapter is played, by its number."""
EVERYTHING: Final = (*MODULES, *SERVERS)
STREAMED: Final = ("gateway", "registry")
"""What the stream of a participant passes."""
CHOICE: Final = 4
LEASES: Final = {**PACE, "PHOENIX_DMA_LEASE_TTL": "PT30S", "PHOENIX_DMA_HEARTBEAT_INTERVAL": "PT3S"}
"""Longer than a part takes to be started again: who waits for one that is killed is not dead."""
STORIES: Final[Mapping[str, Kills]] = {
    "two services and everything": {5: ["state"], 7: ["assignment"], 10: EVERYTHING},
}
MORE: Final[Mapping[str, Kills]] = {
    "each service in another chapter": {
        2: ["registry"],
        3: ["governance"],
        5: ["state"],
        6: ["assignment"],
        7: ["gateway"],
        8: ["assignment"],
        9: ["state", "registry"],
        10: EVERYTHING,
        11: ["gateway"],
    },
    # Not in the ninth: the story counts what is compared twice, and there nobody dies in it.
    "everything at once": {5: EVERYTHING, 10: EVERYTHING},
    # Nor in the fourth what streams pass through: it chooses the best, and whoever's stream was
    # just cut scores less. Between chapters everybody comes back first.
    **{
        f"{part} in every chapter": {
            number: [part]
            for number in range(1, len(CHAPTERS) + 1)
            if not (number == CHOICE and part in STREAMED)
        }
        for part in MODULES
    },
}
PLAYED: Final = {**STORIES, **MORE}


@asynccontextmanager
async def opened(runtime: BreakableRuntime, told: StringIO) -> AsyncIterator[Story]:
    """The story on that runtime; its output goes into ``told``."""
    folder = runtime.folder.path / "story"
    (folder / "merges").mkdir(parents=True)
    processes = AgentProcesses(runtime.profile, folder)
    client = AsyncPhoenixClient(profile=read_profile(runtime.profile))
    client.transport.patience = PATIENCE

    async def judge() -> list[str]:
        evidence = await read_evidence(runtime.admin_url, runtime.options.tenant)
        return [str(finding) for finding in validate(evidence)]

    try:
        yield Story(client, processes, Narrator(Console(file=told)), folder, judge)
    finally:
        await processes.leave()
        await client.close()


async def killed(runtime: BreakableRuntime, parts: Sequence[str]) -> None:
    """Kill all of these parts and start them again, databases first."""
    for part in parts:
        await runtime.kill(part)
    for part in [one for one in parts if one in SERVERS]:
        await runtime.revive(part)
    await asyncio.gather(*(runtime.revive(one) for one in parts if one not in SERVERS))


async def returned(story: Story) -> None:
    """Wait until every participant has beaten since now, over a stream that is open."""
    begun = datetime.now(UTC)

    async def all_beat() -> bool:
        everybody = await story.api.list_participants(statuses=("active", "degraded"))
        return all(
            one.last_heartbeat.ToDatetime(UTC) > begun and not one.suspect for one in everybody
        )

    await until(all_beat, PATIENCE)


async def found(runtime: BreakableRuntime, story: Story) -> str:
    """What to look at where the story broke: the task's events, the agents' logs."""
    evidence = await read_evidence(runtime.admin_url, runtime.options.tenant)
    events = sorted(evidence.events, key=lambda event: event.event_id)[-30:]
    lines = [f"{one.timestamp:%H:%M:%S} {one.type} {one.participant} {one.task}" for one in events]
    logs = [log.read_text()[-1500:] for log in sorted(story.folder.glob("*.log"))]
    return "\n".join([*lines, *logs])


@pytest.mark.parametrize("name", [*STORIES, *long_form(*MORE)])
async def test_the_stewardship_story_completes_although_parts_are_killed(name: str) -> None:
    told = StringIO()
    async with breakable_runtime(LEASES) as runtime, opened(runtime, told) as story:
        for number, (title, chapter) in enumerate(CHAPTERS, 1):
            story.tell.chapter(number, title)
            playing = asyncio.ensure_future(chapter(story))
            parts = PLAYED[name].get(number, ())
            await killed(runtime, parts)
            try:
                await playing
                if parts and number < len(CHAPTERS):
                    await returned(story)
            except Exception as broken:
                text = f"{broken!r} after\n{told.getvalue()}\n{await found(runtime, story)}"
                raise AssertionError(text) from broken
        findings = await story.judge()
    assert not findings, "\n".join(findings)

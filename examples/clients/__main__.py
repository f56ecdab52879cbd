"""Play one task through agents in several languages: ``make clients``.

    python -m examples.clients [language …]

Builds the clients of this folder, checks their vectors, starts a runtime of its own in a temporary
folder, and has an agent begin a task. It is killed (SIGKILL) in the middle, an agent in another
language takes over from its checkpoint and is killed in turn, until the last one completes it. Then
`phoenix-dma audit verify` judges what is left. A language that this machine cannot build is skipped
with one line.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from examples.clients.agents import PATIENCE, Agent, PlayBroken, first_to_say
from examples.clients.languages import HERE, LANGUAGES, Language, NotBuilt
from phoenix_dma import AsyncPhoenixClient, PhoenixError, declare
from phoenix_dma.profile import read_profile
from phoenix_runtime.local.errors import LocalRuntimeError
from phoenix_runtime.local.runtime import LocalRuntime, LocalRuntimeOptions

PACE: Final = {
    # Shorter than a runtime of one's own has them: the play should not wait for a dead agent.
    "PHOENIX_DMA_LEASE_TTL": "PT8S",
    "PHOENIX_DMA_HEARTBEAT_INTERVAL": "PT2S",
}
STEPS_EACH: Final = 2


def built(wanted: Sequence[str]) -> list[Language]:
    """The languages that this machine builds; raises `NotBuilt` where it should and does not."""
    found = []
    for language in LANGUAGES:
        if wanted and language.name not in wanted:
            continue
        missing = language.missing()
        if missing:
            print(f"{language.name}: skipped, this machine lacks {' and '.join(missing)}")
            continue
        print(f"{language.name}: building", flush=True)
        language.build()
        found.append(language)
    return found


async def play(languages: Sequence[Language]) -> None:
    """One task, handed from language to language; raises `PlayBroken`."""
    options = LocalRuntimeOptions.temporary(environment=PACE)
    try:
        async with LocalRuntime(options) as runtime:
            logs = options.data / "clients"
            logs.mkdir()
            client = AsyncPhoenixClient(profile=read_profile(runtime.profile))
            agents: list[Agent] = []
            try:
                done = await relay(client, languages, agents, runtime.profile, logs)
            finally:
                await asyncio.gather(*(agent.kill() for agent in agents))
                await client.close()
            print(f"completed; steps by {', '.join(done)}")
            await verified(options.data)
    finally:
        shutil.rmtree(options.data, ignore_errors=True)


async def relay(
    client: AsyncPhoenixClient,
    languages: Sequence[Language],
    agents: list[Agent],
    profile: Path,
    logs: Path,
) -> list[str]:
    """Begin, kill, take over, until the last agent completes; return who did each step."""

    async def started(language: Language) -> Agent:
        own = await enrolled(language, profile, logs)
        agents.append(await Agent.start(language, own, logs / f"{language.name}.log"))
        print(f"{language.name}: {await agents[-1].says('registered')}")
        return agents[-1]

    holder = await started(languages[0])
    task_id = await submitted(client, turns=len(languages))
    print(f"{holder.language}: {await holder.says('started')}")
    waiting = [await started(language) for language in languages[1:]]
    for turn in range(1, len(languages)):
        print(
            f"{holder.language}: {await holder.says(f'checkpointed {turn * STEPS_EACH}')}, killed"
        )
        await holder.kill()
        holder = await first_to_say("took over", waiting)
        waiting.remove(holder)
        print(f"{holder.language}: {await holder.says('took over')}")
    print(f"{holder.language}: {await holder.says('completed')}")
    task = await client.api.wait_for(task_id, timeout=PATIENCE)
    done = list((task.result or {}).get("done", []))
    wanted = sorted(one.name for one in languages for _ in range(STEPS_EACH))
    if sorted(done) != wanted:
        raise PlayBroken(f"the steps were done by {done}")
    return done


async def enrolled(language: Language, profile: Path, folder: Path) -> Path:
    """The profile of the agent's own, which can be that one participant and nothing more."""
    own = folder / f"{language.name}.toml"
    command = [sys.executable, "-m", "phoenix_dma.cli", "enrol", "participant", language.agent]
    command += ["--owner", "data-governance", "--profile", str(own)]
    environment = {**os.environ, "PHOENIX_DMA_PROFILE": str(profile)}
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=DEVNULL)
    if await process.wait():
        raise PlayBroken(f"{language.agent} could not be enrolled")
    return own


async def submitted(client: AsyncPhoenixClient, *, turns: int) -> str:
    """The id of a task of which each agent does some steps and then waits to be killed."""
    document = json.loads((HERE / "task.json").read_text())
    document["input"] = {
        "steps": turns * STEPS_EACH,
        "pause_after": [turn * STEPS_EACH for turn in range(1, turns)],
    }
    # A task that has lost three owners counts as what kills them and fails; here it is the play.
    document["max_losses"] = turns
    task = await client.api.submit(declare.task(document))
    print(f"submitted {task.id}")
    return task.id


async def verified(data: Path) -> None:
    """Have `phoenix-dma audit verify` judge the audit and the tables."""
    command = [sys.executable, "-m", "phoenix_dma.cli", "audit", "verify", "--data", str(data)]
    process = await asyncio.create_subprocess_exec(*command)
    if await process.wait():
        raise PlayBroken("phoenix-dma audit verify found something")


def main() -> int:
    """Build and play; answers the exit code."""
    try:
        languages = built(sys.argv[1:])
        if not languages:
            print("clients: skipped, no language can be built here")
            return 0
        asyncio.run(play(languages))
    except (NotBuilt, PlayBroken, PhoenixError, LocalRuntimeError) as broken:
        print(f"clients: {broken}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

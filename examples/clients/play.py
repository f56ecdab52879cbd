"""One task that goes from agent to killed agent, and what has to hold afterwards."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from asyncio.subprocess import DEVNULL
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, cast

from examples.clients.agents import PATIENCE, Agent, PlayBroken, Player, first_to_say, settings
from examples.clients.languages import HERE, Language
from examples.clients.runtimes import Runtime
from phoenix_dma import AsyncPhoenixClient, PhoenixError, declare
from phoenix_dma.declare import TaskFields
from phoenix_dma.profile import read_profile

STEPS_EACH: Final = 2
UNREACHABLE: Final = 3
"""The exit code of `audit verify` where the database is elsewhere."""


def players_of(languages: Sequence[Language], runtime: Runtime) -> list[Player]:
    """One agent a language; two of one language alone, since somebody has to take over."""
    twice = [*languages, *languages] if len(languages) == 1 else languages
    names = [one.name if i == twice.index(one) else f"{one.name}.2" for i, one in enumerate(twice)]
    return [
        Player(language, name, f"agent.in-{name}{runtime.ids_end}")
        for language, name in zip(twice, names, strict=True)
    ]


def document(turns: int) -> TaskFields:
    """A task of which each agent does some steps and then waits to be killed."""
    found: Any = json.loads((HERE / "task.json").read_text())
    found["input"] = {
        "steps": turns * STEPS_EACH,
        "pause_after": [turn * STEPS_EACH for turn in range(1, turns)],
    }
    # A task that has lost three owners counts as what kills them and fails; here it is the play.
    found["max_losses"] = turns
    return cast(TaskFields, found)


async def play(languages: Sequence[Language], runtime: Runtime) -> None:
    """One task, handed from language to language; raises `PlayBroken`."""
    with tempfile.TemporaryDirectory(prefix="phoenix-dma-clients-") as folder:
        async with AsyncPhoenixClient(profile=read_profile(runtime.profile)) as client:
            relay = Relay(client, runtime, Path(folder))
            try:
                done = await relay.run(players_of(languages, runtime))
            except PlayBroken as broken:
                raise PlayBroken(f"{broken}\n{await relay.state()}") from broken
            finally:
                await relay.end()
    print(f"completed; steps by {', '.join(done)}")
    await verified(runtime)


class Relay:
    """Begin, kill, take over, until the last agent completes."""

    def __init__(self, client: AsyncPhoenixClient, runtime: Runtime, folder: Path) -> None:
        self._client = client
        self._runtime = runtime
        self._folder = folder
        self._agents: list[Agent] = []
        self._task_id = ""

    async def run(self, players: Sequence[Player]) -> list[str]:
        """Play; return which language did each step."""
        holder = await self._start(players[0])
        submitted = await self._client.api.submit(declare.task(document(len(players))))
        self._task_id = submitted.id
        print(f"submitted {self._task_id}")
        print(f"{holder.name}: {await holder.says('started')}")
        waiting = [await self._start(player) for player in players[1:]]
        for turn in range(1, len(players)):
            step = await holder.says(f"checkpointed {turn * STEPS_EACH}")
            await holder.kill()
            print(f"{holder.name}: {step}, killed")
            holder = await first_to_say("took over", waiting)
            waiting.remove(holder)
            print(f"{holder.name}: {await holder.says('took over')}")
        print(f"{holder.name}: {await holder.says('completed')}")
        task = await self._client.api.wait_for(self._task_id, timeout=PATIENCE)
        done = list((task.result or {}).get("done", []))
        if sorted(done) != sorted(one.language.name for one in players for _ in range(STEPS_EACH)):
            raise PlayBroken(f"{self._task_id} is {task.status}, the steps were done by {done}")
        return done

    async def state(self) -> str:
        """One line about the task, for whoever asks why the play broke."""
        if not self._task_id:
            return "no task was submitted yet"
        task = await self._client.api.get_task(self._task_id)
        return f"{self._task_id} is {task.status}, held by {task.participant or 'nobody'}"

    async def end(self) -> None:
        """Leave no process behind and, on a runtime that goes on, nobody who could get a task."""
        await asyncio.gather(*(agent.kill() for agent in self._agents))
        if not self._runtime.goes_on:
            return
        try:
            if self._task_id and not (await self._client.api.get_task(self._task_id)).ended:
                await self._client.api.cancel(self._task_id, "the play broke off")
            for agent in self._agents:
                await self._client.api.retire(
                    agent.participant, mode="immediate", reason="the play is over"
                )
        except PhoenixError as error:
            print(f"clients: not tidied up: {error}", file=sys.stderr)

    async def _start(self, player: Player) -> Agent:
        own = await self._enrolled(player)
        agent = await Agent.start(player, own, self._folder / f"{player.name}.log")
        self._agents.append(agent)
        print(f"{player.name}: {await agent.says('registered')}")
        return agent

    async def _enrolled(self, player: Player) -> Path:
        """The profile of the agent's own, which can be that one participant and nothing more."""
        own = self._folder / f"{player.name}.toml"
        command = ("enrol", "participant", player.participant, "--owner", "data-governance")
        if await phoenix_dma(*command, "--profile", str(own), profile=self._runtime.profile):
            raise PlayBroken(f"{player.participant} could not be enrolled")
        return own


async def verified(runtime: Runtime) -> None:
    """Have `phoenix-dma audit verify` judge the audit and the tables, where they can be read."""
    if runtime.data is None:
        print("not verified: the profile names no data folder of this machine")
        return
    command = ["audit", "verify", "--data", str(runtime.data)]
    command += ["--tenant", runtime.tenant] if runtime.tenant else []
    code = await phoenix_dma(*command, profile=runtime.profile, quiet=False)
    if code == UNREACHABLE and runtime.goes_on:
        print("not verified: the database is elsewhere; `phoenix-dma audit verify` can do it there")
    elif code:
        raise PlayBroken("phoenix-dma audit verify found something")


async def phoenix_dma(*command: str, profile: Path, quiet: bool = True) -> int:
    """The exit code of a command of the command line."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "phoenix_dma.cli", *command),
        env=settings(profile),
        stdout=DEVNULL if quiet else None,
    )
    return await process.wait()

"""An agent as its user would write it, run as a process of its own by `agents.py`.

Options: ``id``, more of ``register_participant``'s fields under ``fields``, ``hold_at`` (a batch
in the middle of which it waits for ever), ``dies_at`` (a batch that kills its process), ``pays``
(it does something outside instead, see `paying.py`), ``zombie``
(a task, epoch and version of an earlier life: it tries to write under them, says how that went, and
ends), ``log`` (a file; else stderr).
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from phoenix_dma.aio.client import AsyncPhoenixClient
from phoenix_dma.aio.rpc.credentials import credential_for
from phoenix_dma.aio.rpc.transport import Transport
from phoenix_dma.aio.runtime_api import RuntimeApi
from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.errors import PhoenixError
from phoenix_dma.profile import Profile
from phoenix_dma.v1 import assignment_pb2, identity_pb2, state_pb2
from phoenix_dma.wire.conversions import struct_of
from tests.e2e.scenarios.paying import pay


def say(what: str, **facts: Any) -> None:
    """Write one line for the test that started the process."""
    sys.stdout.write(json.dumps({"said": what, **facts}) + "\n")
    sys.stdout.flush()


async def work(task: AsyncTask, options: dict[str, Any]) -> dict[str, Any]:
    """Checkpoint batch after batch; what an earlier owner has done is not done again."""
    done = list((await task.context()).get("outputs", {}).get("done", []))
    say("began", task=task.id, epoch=task.epoch, version=task.version, done=done)
    try:
        for batch in task.input["batches"]:
            if batch in done:
                continue
            say("working", batch=batch)
            if batch == options.get("dies_at"):
                os.kill(os.getpid(), signal.SIGKILL)
            if batch == options.get("hold_at"):
                await asyncio.Event().wait()
            done.append(batch)
            made = await task.checkpoint({"done": done})
            say("checkpointed", batch=batch, version=made.version)
    except asyncio.CancelledError:
        say("cancelled", why=task.lease.reason)
        raise
    say("finished", done=done)
    return {"done": done}


async def live(profile: Profile, options: dict[str, Any]) -> None:
    """Register and work until the process is told to end."""
    async with AsyncPhoenixClient(profile=profile) as client:

        @client.task_handler()
        async def handle(task: AsyncTask) -> dict[str, Any]:
            if "pays" in options:
                return await pay(task, options["pays"], say)
            return await work(task, options)

        leaving: list[asyncio.Task[None]] = []
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(
            signal.SIGTERM, lambda: leaving.append(loop.create_task(client.drain()))
        )
        answer = await client.register_participant(
            **{
                "id": options["id"],
                "type": "agent",
                "owner": "data-governance",
                "capabilities": ["duplicate_detection", "policy_check"],
                "data_domains": ["customer"],
                "permissions": ["read_customer_master", "suggest_merge"],
                "capacity": 2,
                **options.get("fields", {}),
            }
        )
        say("registered", generation=answer.participant.generation)
        say("over", loss=str(await client.run()))


async def write_as_zombie(profile: Profile, options: dict[str, Any]) -> None:
    """Try to write under the epoch of an earlier registration."""
    transport = Transport(profile.endpoint())
    wanted = identity_pb2.EnrolRequest(participant_id=options["id"], owner="data-governance")
    api = RuntimeApi(transport, credential_for(transport, profile, wanted))
    old = options["zombie"]
    writes = {
        "checkpoint": lambda: api.ask(
            api.stubs.state.CheckpointContext,
            state_pb2.CheckpointContextRequest(
                task_id=old["task"],
                epoch=old["epoch"],
                base_version=old["version"],
                context=struct_of({"outputs": {"done": ["stale"]}}),
            ),
        ),
        "complete": lambda: api.ask(
            api.stubs.assignment.CompleteTask,
            assignment_pb2.CompleteTaskRequest(
                task_id=old["task"], epoch=old["epoch"], result=struct_of({"stale": True})
            ),
        ),
        "authorize": lambda: api.ask(
            api.stubs.assignment.AuthorizeAction,
            assignment_pb2.AuthorizeActionRequest(
                task_id=old["task"],
                epoch=old["epoch"],
                kind=assignment_pb2.ACTION_KIND_DATA_READ,
                name="read_candidates",
            ),
        ),
    }
    for name, write in writes.items():
        say("tried", to=name, answer=await tried(write))
    await transport.close()


async def tried(write: Callable[[], Awaitable[Any]]) -> str:
    """Answer the reason of the refusal."""
    try:
        await write()
    except PhoenixError as refused:
        return refused.reason
    return "accepted"


def main() -> None:
    """Read the options and run the agent."""
    options = json.loads(sys.argv[1])
    logging.basicConfig(level=logging.WARNING, filename=options.get("log"))
    runtime = options["runtime"]
    profile = Profile(grpc=runtime["grpc"], credential=Path(runtime["credential"]))
    asyncio.run(
        write_as_zombie(profile, options) if "zombie" in options else live(profile, options)
    )


if __name__ == "__main__":
    main()

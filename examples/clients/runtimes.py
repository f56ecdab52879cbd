"""Which runtime a play uses: the one that runs already, or one of its own."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from phoenix_dma import AsyncPhoenixClient, PhoenixError
from phoenix_dma.own_profile import can_enrol_others
from phoenix_dma.profile import Profile, is_loopback, read_profile
from phoenix_dma.v1 import assignment_pb2
from phoenix_runtime.local.runtime import LocalRuntime, LocalRuntimeOptions

PACE: Final = {
    # Shorter than a runtime of one's own has them: the play should not wait for a dead agent.
    "PHOENIX_DMA_LEASE_TTL": "PT8S",
    "PHOENIX_DMA_HEARTBEAT_INTERVAL": "PT2S",
}
CONNECT_SECONDS: Final = 5.0
ABLE_BUT: Final = {"score", "capacity", "backing_off"}
"""Why somebody does not get a task who could get it a moment later."""


class NotUsable(Exception):
    """No runtime runs that could be played on; the text says why, as the end of a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """A runtime to play on; ``data`` is its data folder, where that is on this machine.

    ``ids_end`` makes the ids of agents differ from those of anybody else on a runtime that goes on
    after the play; there they are retired at the end.
    """

    profile: Path
    data: Path | None
    tenant: str = ""
    ids_end: str = ""
    goes_on: bool = False


async def running(profile: Path, task: assignment_pb2.TaskDeclaration) -> Runtime:
    """The runtime of ``profile``, which has nobody else for ``task``; raises `NotUsable`."""
    try:
        found = await asyncio.to_thread(read, profile)
        target = await asyncio.to_thread(reachable, found)
        async with AsyncPhoenixClient(profile=found) as client:
            others = able(await client.api.explain(task))
    except PhoenixError as error:
        raise NotUsable(f"{error.text} (profile {profile})") from error
    if others:
        raise NotUsable(f"{others[0]} at {target} could take the task away from the clients")
    return Runtime(
        profile=found.file or profile,
        data=found.data,
        tenant=found.tenant,
        ids_end=f".{secrets.token_hex(2)}",
        goes_on=True,
    )


def read(profile: Path) -> Profile:
    """The profile; raises `NotUsable` where there is none, `ProfileError` for another file."""
    if not profile.exists():
        raise NotUsable(f"there is no profile {profile}")
    return read_profile(profile.absolute())


def reachable(profile: Profile) -> str:
    """The address of a runtime that clients without TLS may call; raises `NotUsable`."""
    endpoint = profile.endpoint()
    host, _, port = endpoint.target.rpartition(":")
    host = host.strip("[]")
    if endpoint.tls or not is_loopback(host):
        raise NotUsable(f"{endpoint.target} is not on this machine, and the clients have no TLS")
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
    except OSError as error:
        raise NotUsable(f"nothing listens at {endpoint.target} (profile {profile.file})") from error
    if not can_enrol_others(profile):
        raise NotUsable(f"the profile {profile.file} is no operator's, who enrols the agents")
    return endpoint.target


def able(answer: assignment_pb2.ExplainAssignmentResponse) -> list[str]:
    """Who would get the task now, or could a moment later."""
    waiting = [one.participant_id for one in answer.alternatives if one.failed in ABLE_BUT]
    return [answer.participant_id, *waiting] if answer.participant_id else waiting


@asynccontextmanager
async def own() -> AsyncIterator[Runtime]:
    """One of the play's own in a temporary folder, of which nothing is left afterwards."""
    options = LocalRuntimeOptions.temporary(environment=PACE)
    try:
        async with LocalRuntime(options) as runtime:
            yield Runtime(profile=runtime.profile, data=options.data)
    finally:
        shutil.rmtree(options.data, ignore_errors=True)

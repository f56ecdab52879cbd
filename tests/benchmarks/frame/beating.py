"""Streams that are beaten on: the runtime's KeepAlive, or a peer's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol

import grpc.aio
from grpc.aio import EOF  # type: ignore[attr-defined]  # EOF is not in the stubs

from phoenix_dma.v1 import session_pb2, session_pb2_grpc
from phoenix_dma.wire.stream_termination import keep_final_status
from tests.benchmarks.frame.clients import signing_as
from tests.benchmarks.frame.load import Timings
from tests.e2e.scenarios.scenario import Scenario
from tests.support.builders.keys import bearer

OPENING: Final = 64
"""Streams that are opened at the same time."""


class Beating(Protocol):
    """A stream that somebody beats on."""

    async def open(self) -> None:
        """Open it, so that beats are taken."""

    async def beat(self) -> None:
        """Send one message, and wait until it is acknowledged."""

    async def close(self) -> None:
        """End it, without a word."""


@dataclass(frozen=True, slots=True)
class Member:
    """A participant, and what signs its credentials."""

    name: str
    sign: Callable[[], str]


def members_of(scenario: Scenario, names: Sequence[str]) -> list[Member]:
    """Participants that are registered already."""
    return [Member(name, signing_as(scenario, name)) for name in names]


class BeatStream:
    """A KeepAlive stream of one participant or many, all of whose beats go in one message."""

    def __init__(self, channel: grpc.aio.Channel, members: Sequence[Member]) -> None:
        self._sessions: Any = session_pb2_grpc.SessionServiceStub(channel)
        self._members = members
        self._slots: list[int] = []
        self._message = session_pb2.KeepAliveRequest()
        self._call: Any = None

    async def open(self) -> None:
        """Attach everybody and send the first beats."""
        opened = self._sessions.KeepAlive(metadata=bearer(self._members[0].sign()))
        self._call = keep_final_status(opened)
        self._slots = [await self._attach(member) for member in self._members]
        serving = session_pb2.HEALTH_STATE_SERVING
        first = [session_pb2.Beat(slot=slot, state=serving) for slot in self._slots]
        self._message.beats.CopyFrom(session_pb2.Beats(beats=first))
        await self.beat()
        self._message.beats.CopyFrom(session_pb2.Beats(seq=1, unchanged=self._slots))

    async def beat(self) -> None:
        """One beat of everybody on the stream."""
        self._message.beats.seq += 1
        await self._call.write(self._message)
        await self._answer("beat_ack")

    async def refresh(self) -> None:
        """Bring new credentials before the old ones lapse."""
        for slot, member in zip(self._slots, self._members, strict=True):
            refresh = session_pb2.Refresh(slot=slot, credential=member.sign())
            await self._call.write(session_pb2.KeepAliveRequest(refresh=refresh))

    async def close(self) -> None:
        """Break the stream."""
        self._call.cancel()

    async def _attach(self, member: Member) -> int:
        attach = session_pb2.Attach(
            participant_id=member.name, generation=1, credential=member.sign()
        )
        await self._call.write(session_pb2.KeepAliveRequest(attach=attach))
        slot: int = (await self._answer("lease")).lease.slot
        return slot

    async def _answer(self, kind: str) -> session_pb2.KeepAliveResponse:
        """The next answer of that kind; raises where the lease is lost or the stream ends."""
        while (answer := await self._call.read()) is not EOF:
            said = answer.WhichOneof("message")
            if said == kind:
                found: session_pb2.KeepAliveResponse = answer
                return found
            if said == "lease_lost":
                raise RuntimeError(f"a lease was lost: {answer.lease_lost.text}")
        raise RuntimeError(f"the stream ended: {await self._call.details()}")


def beat_streams(
    connections: Sequence[grpc.aio.Channel], members: Sequence[Member], each: int = 1
) -> list[BeatStream]:
    """A stream for every ``each`` participants, spread over the connections."""
    parts = [members[first : first + each] for first in range(0, len(members), each)]
    return [BeatStream(connections[n % len(connections)], part) for n, part in enumerate(parts)]


@asynccontextmanager
async def opened(streams: Sequence[Beating]) -> AsyncIterator[None]:
    """All of them are open for the length of the block."""
    admission = asyncio.Semaphore(OPENING)

    async def open_one(stream: Beating) -> None:
        async with admission:
            await stream.open()

    await asyncio.gather(*map(open_one, streams))
    try:
        yield
    finally:
        await asyncio.gather(*(stream.close() for stream in streams))


async def paced(streams: Sequence[Beating], interval: float, seconds: float) -> Timings:
    """Beat on each stream once in every interval, each at another moment of it."""
    lengths: list[float] = []
    begun = time.perf_counter()

    async def agent(number: int) -> None:
        due = begun + interval * number / len(streams)
        while due < begun + seconds:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            sent = time.perf_counter()
            await streams[number].beat()
            lengths.append(time.perf_counter() - sent)
            due += interval

    await asyncio.gather(*map(agent, range(len(streams))))
    return Timings(lengths, time.perf_counter() - begun)

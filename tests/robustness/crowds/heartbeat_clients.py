"""Participants that do nothing but send beats, each on a stream of its own."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import grpc.aio
import pytest
from grpc.aio import EOF, AioRpcError  # type: ignore[attr-defined]  # EOF is not in the stubs

from phoenix_dma.declare import participant
from phoenix_dma.v1 import registry_pb2, registry_pb2_grpc, session_pb2, session_pb2_grpc
from phoenix_dma.wire.status_details import UNREACHABLE
from tests.e2e.scenarios.intervals import PATIENCE
from tests.e2e.scenarios.scenario import Scenario, steward
from tests.support.builders.keys import bearer
from tests.support.processes.breakable_runtime import BreakableRuntime
from tests.support.waiting.until import until

CONNECTIONS: Final = 8
AT_ONCE: Final = 16
"""Registrations on their way at the same time."""
FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 2.0


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of a lease in seconds; ``stay`` is how long the crowd is watched."""

    ttl: float
    interval: float
    stay: float

    @property
    def environment(self) -> dict[str, str]:
        """How a registry is started that grants such leases."""
        return {
            "PHOENIX_DMA_LEASE_TTL": str(self.ttl),
            "PHOENIX_DMA_HEARTBEAT_INTERVAL": str(self.interval),
        }


UNHURRIED: Final = Terms(ttl=600, interval=60, stay=0)


class Tally:
    """How streams ended, and which leases were lost."""

    def __init__(self) -> None:
        self.broken: Counter[str] = Counter()
        """Streams that ended, by status; none ends by its own client's will."""
        self.lost: Counter[str] = Counter()
        """Leases that the runtime took away, by reason."""
        self.acknowledged: dict[str, float] = {}
        """When each participant's beat was acknowledged last (the loop's time)."""

    def heard_since(self, moment: float) -> int:
        """How many participants have had a beat acknowledged since then."""
        return sum(heard >= moment for heard in self.acknowledged.values())


class HeartbeatClient:
    """One participant, which opens another stream whenever its stream breaks."""

    def __init__(self, sessions: Any, name: str, token: str, tally: Tally) -> None:
        self._sessions = sessions
        self._name = name
        self._token = token
        self._tally = tally
        self._seq = 0

    async def live(self) -> None:
        """Keep a stream open until cancelled."""
        pause = FIRST_PAUSE
        while True:
            began = self._seq
            try:
                await self._stream()
            except AioRpcError as error:
                self._tally.broken[error.code().name] += 1
            pause = FIRST_PAUSE if self._seq > began else min(2 * pause, LONGEST_PAUSE)
            await asyncio.sleep(random.uniform(0.5, 1.0) * pause)  # noqa: S311  # no secret

    async def _stream(self) -> None:
        call = self._sessions.KeepAlive(metadata=bearer(self._token))
        beating: asyncio.Task[None] | None = None
        try:
            attach = session_pb2.Attach(participant_id=self._name, generation=1)
            await call.write(session_pb2.KeepAliveRequest(attach=attach))
            while (message := await call.read()) is not EOF:
                kind = message.WhichOneof("message")
                if kind == "lease":
                    beating = asyncio.create_task(self._beat(call, message.lease))
                elif kind == "beat_ack":
                    now = asyncio.get_running_loop().time()
                    self._tally.acknowledged[self._name] = now
                elif kind == "lease_lost":
                    reason = session_pb2.LeaseLostReason.Name(message.lease_lost.reason)
                    self._tally.lost[reason] += 1
            self._tally.broken["OK"] += 1
        finally:
            if beating is not None:
                beating.cancel()
                await asyncio.gather(beating, return_exceptions=True)
            call.cancel()

    async def _beat(self, call: Any, lease: session_pb2.Lease) -> None:
        interval = lease.interval.ToTimedelta().total_seconds()
        first = session_pb2.Beat(slot=lease.slot, state=session_pb2.HEALTH_STATE_SERVING)
        beats = session_pb2.Beats(beats=[first])
        while True:
            self._seq += 1
            beats.seq = self._seq
            await call.write(session_pb2.KeepAliveRequest(beats=beats))
            beats = session_pb2.Beats(unchanged=[lease.slot])
            # Everybody at another moment of the interval, as participants of their own would.
            await asyncio.sleep(interval * random.uniform(0.9, 1.0))  # noqa: S311  # no secret


class Crowd:
    """A number of registered participants; `present` opens all their streams at once."""

    def __init__(self, scenario: Scenario, channels: Sequence[grpc.aio.Channel], size: int) -> None:
        self._stage = scenario
        self._channels = channels
        self.names = [f"agent.crowd.{number:05d}" for number in range(size)]
        self.tally = Tally()
        self._lives: list[asyncio.Task[None]] = []

    async def register(self) -> None:
        """Register every participant by its own credential.

        A registry that was just started again may still be away for its gateways, and a busy one
        answers late: whoever got no answer asks again, by its request id.
        """
        admission = asyncio.Semaphore(AT_ONCE)

        async def one(number: int, name: str) -> None:
            stub = registry_pb2_grpc.RegistryServiceStub(self._channel(number))
            declaration = participant(steward(name, {}))
            request = registry_pb2.RegisterParticipantRequest(
                participant=declaration, request_id=f"register.{name}"
            )

            async def answered() -> bool:
                answer: Any = stub.RegisterParticipant(request, metadata=bearer(self._token(name)))
                try:
                    await answer
                except AioRpcError as error:
                    if error.code() not in UNREACHABLE:
                        raise
                    return False
                return True

            async with admission:
                await until(answered, PATIENCE)

        await asyncio.gather(*(one(*each) for each in enumerate(self.names)))

    @asynccontextmanager
    async def present(self) -> AsyncIterator[None]:
        """Open a stream for every participant."""
        self._lives = [
            asyncio.create_task(self._client(number, name).live())
            for number, name in enumerate(self.names)
        ]
        try:
            yield
        finally:
            for life in self._lives:
                life.cancel()
            await asyncio.gather(*self._lives, return_exceptions=True)

    async def all_heard(self) -> float:
        """Wait until everybody was answered a beat after this call; answers after how many seconds.

        Fails with what happened instead where that does not come to pass.
        """
        since = asyncio.get_running_loop().time()

        async def everybody() -> bool:
            broken = [life for life in self._lives if life.done()]
            assert not broken, broken[0].exception()
            return self.tally.heard_since(since) == len(self.names)

        try:
            await until(everybody, PATIENCE)
        except TimeoutError:
            heard = self.tally.heard_since(since)
            missing = f"{len(self.names) - heard} of {len(self.names)} were not heard"
            pytest.fail(f"{missing}; ended: {self.tally.broken}, lost: {self.tally.lost}")
        return asyncio.get_running_loop().time() - since

    def _client(self, number: int, name: str) -> HeartbeatClient:
        sessions = session_pb2_grpc.SessionServiceStub(self._channel(number))
        return HeartbeatClient(sessions, name, self._token(name), self.tally)

    def _channel(self, number: int) -> grpc.aio.Channel:
        return self._channels[number % len(self._channels)]

    def _token(self, name: str) -> str:
        return self._stage.participant_token(name)


@asynccontextmanager
async def crowd_of(scenario: Scenario, size: int) -> AsyncIterator[Crowd]:
    """A crowd in front of the gateway, on a few connections; nobody is registered yet."""
    # Without a pool of its own every channel would share one connection.
    options = [
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.max_reconnect_backoff_ms", 2000),
    ]
    async with AsyncExitStack() as stack:
        channels = [
            await stack.enter_async_context(
                grpc.aio.insecure_channel(scenario.runtime.address("gateway"), options=options)
            )
            for _ in range(CONNECTIONS)
        ]
        yield Crowd(scenario, channels, size)


@asynccontextmanager
async def registered(
    runtime: BreakableRuntime, scenario: Scenario, size: int, terms: Terms
) -> AsyncIterator[Crowd]:
    """A crowd, all of which is registered under leases of these terms; nobody is here yet."""
    async with crowd_of(scenario, size) as crowd:
        # So many take longer to register than a lease lasts; a registry that starts begins them.
        await runtime.restart("registry", UNHURRIED.environment)
        await crowd.register()
        await runtime.restart("registry", terms.environment)
        yield crowd
    await runtime.restart("registry")

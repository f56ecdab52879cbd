"""Clients of one tenant: plain calls at one public port, without retries."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any, Final, TypeVar

import grpc.aio
from google.protobuf.message import Message

from phoenix_dma.aio.rpc.stubs import Stubs
from phoenix_dma.aio.rpc.transport import bearer, identify
from phoenix_dma.declare import ParticipantFields, participant
from phoenix_dma.v1 import registry_pb2
from phoenix_runtime.local.data_folder.keys import OPERATOR_ROLES
from tests.benchmarks.frame.load import drive
from tests.e2e.scenarios.scenario import Scenario, steward

Answer = TypeVar("Answer", bound=Message)
CALLERS: Final = 16
LIFE: Final = timedelta(minutes=15)
"""Of a credential, the longest that is taken."""
RENEWED: Final = 300.0
"""Seconds after which a client has another one."""
DEADLINE: Final = 60.0
"""Seconds after which a call that is not answered ends its benchmark."""
OWN_CONNECTION: Final = [
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
]
"""Without a pool of its own every channel would share one connection."""
METHOD = Callable[..., Any]


class Client:
    """Somebody at one port; ``sign`` makes a credential, which is made anew before it lapses."""

    def __init__(self, channel: grpc.aio.Channel, sign: Callable[[], str]) -> None:
        connection: Any = channel
        self.stubs = Stubs(connection)
        self._sign = sign
        self._metadata: tuple[tuple[str, str], ...] = ()
        self._renews = 0.0

    async def ask(self, method: METHOD, request: Message) -> Any:
        """Call once; raises `AioRpcError` where it is refused."""
        if time.monotonic() >= self._renews:
            self._metadata = bearer(self._sign())
            self._renews = time.monotonic() + RENEWED
        identify(request)
        return await method(request, metadata=self._metadata, timeout=DEADLINE)


def signing_person(scenario: Scenario) -> Callable[[], str]:
    """Signs credentials of one person with the roles of an operator."""
    return partial(scenario.token, sub="operator", roles=OPERATOR_ROLES, life=LIFE)


def signing_as(scenario: Scenario, participant_id: str) -> Callable[[], str]:
    """Signs credentials of a participant."""
    return partial(scenario.participant_token, participant_id)


@asynccontextmanager
async def channels(address: str, size: int = 1) -> AsyncIterator[list[grpc.aio.Channel]]:
    """So many connections."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                grpc.aio.insecure_channel(address, options=OWN_CONNECTION)
            )
            for _ in range(size)
        ]


@asynccontextmanager
async def operator_at(scenario: Scenario, part: str = "gateway") -> AsyncIterator[Client]:
    """A person's client at a part of the runtime."""
    async with channels(scenario.runtime.address(part)) as (channel,):
        yield Client(channel, signing_person(scenario))


async def register(
    scenario: Scenario, channel: grpc.aio.Channel, name: str, fields: ParticipantFields
) -> registry_pb2.RegisterParticipantResponse:
    """Register a steward with these fields, under its own credential."""
    client = Client(channel, signing_as(scenario, name))
    request = registry_pb2.RegisterParticipantRequest(
        participant=participant(steward(name, fields))
    )
    answer: registry_pb2.RegisterParticipantResponse = await client.ask(
        client.stubs.registry.RegisterParticipant, request
    )
    return answer


async def populate(
    scenario: Scenario, prefix: str, size: int, fields: ParticipantFields | None = None
) -> list[str]:
    """Register ``size`` more participants, sixteen at once; answers their names.

    Without ``fields`` they are unleased: eligible at once, and for ever.
    """
    given: ParticipantFields = fields if fields is not None else {"liveness": "unleased"}
    numbers, names = count(), []
    async with channels(scenario.runtime.address("gateway"), 4) as connections:

        async def one() -> None:
            number = next(numbers)
            name = f"{prefix}.{number:06d}"
            names.append(name)
            await register(scenario, connections[number % len(connections)], name, given)

        await drive([one] * CALLERS, count=size)
    return names


async def ended(jobs: list[asyncio.Task[Any]]) -> None:
    """Cancel these and wait until they have ended."""
    for job in jobs:
        job.cancel()
    await asyncio.gather(*jobs, return_exceptions=True)

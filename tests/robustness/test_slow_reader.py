"""A client that never reads its stream costs bounded memory and is cut off with a reason (I14)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any, Final

import grpc.aio
import pytest
import pytest_asyncio
from grpc import StatusCode
from grpc.aio import EOF, AioRpcError  # type: ignore[attr-defined]  # EOF is not in the stubs

from phoenix_dma.v1 import registry_pb2, registry_pb2_grpc, session_pb2, session_pb2_grpc
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.chassis.rpc.credentials import ServiceSigner
from phoenix_runtime.chassis.rpc.statuses import refusal_of
from phoenix_runtime.local.data_folder.keys import ensure_keys
from phoenix_runtime.local.services import MODULES
from tests.e2e.scenarios.assertions import assert_invariants
from tests.e2e.scenarios.intervals import INTERVALS, PATIENCE
from tests.e2e.scenarios.participant import Participant
from tests.e2e.scenarios.scenario import TASK, Scenario
from tests.robustness.crowds.measures import resident
from tests.robustness.crowds.metrics import MetricsPage
from tests.robustness.forms import long_form
from tests.support.builders.keys import bearer
from tests.support.processes.breakable_runtime import BreakableRuntime, breakable_runtime
from tests.support.waiting.until import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

READERS: Final = 10
PILE: Final = 64
TEXT: Final = "x" * 3_900
MEBIBYTE: Final = 1 << 20
EACH: Final = 2 * MEBIBYTE
"""A queue of 256 messages of 4 KiB, and as much again under way."""
IMPATIENT: Final = {
    **INTERVALS,
    "PHOENIX_DMA_READER_PATIENCE": "2",
    "PHOENIX_DMA_STREAM_PATIENCE": "5",
    "PHOENIX_DMA_REDELIVERY": "0.05",
    # Nobody fails of old age here: what is shown is how a stream ends, not a lease.
    "PHOENIX_DMA_LEASE_TTL": "60",
}
KEEP_ALIVE: Final = {"grpc_method": "KeepAlive"}


class Pages:
    """The metrics pages of the two parts that a stream passes."""

    def __init__(self) -> None:
        self.registry = MetricsPage()
        self.gateway = MetricsPage()


@pytest.fixture(scope="module")
def pages() -> Pages:
    return Pages()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def runtime(pages: Pages) -> AsyncIterator[BreakableRuntime]:
    async with breakable_runtime(IMPATIENT) as runtime:
        await runtime.restart("registry", pages.registry.environment)
        await runtime.restart("gateway", pages.gateway.environment)
        yield runtime


@pytest_asyncio.fixture(loop_scope="module")
async def scenario(runtime: BreakableRuntime) -> AsyncIterator[Scenario]:
    async with Scenario(runtime, new_id("tenant")) as scenario:
        yield scenario
        await assert_invariants(scenario)


class NonReader:
    """Attaches, sends beats, and reads nothing after its lease."""

    def __init__(self, channel: grpc.aio.Channel, name: str, token: str) -> None:
        self.name = name
        sessions: Any = session_pb2_grpc.SessionServiceStub(channel)
        self.call = sessions.KeepAlive(metadata=bearer(token))

    async def stop_reading(self) -> None:
        """Attach and send beats; nothing is read after the lease."""
        attach = session_pb2.Attach(participant_id=self.name, generation=1)
        await self.call.write(session_pb2.KeepAliveRequest(attach=attach))
        assert (await self.call.read()).lease.participant_id == self.name
        for seq in range(1, 4):
            beats = session_pb2.Beats(seq=seq, unchanged=[0])
            await self.call.write(session_pb2.KeepAliveRequest(beats=beats))

    async def read_on(self) -> AioRpcError:
        """Read what is left; answers how the stream ended."""
        try:
            async with asyncio.timeout(PATIENCE):
                while await self.call.read() is not EOF:
                    pass
        except AioRpcError as refused:
            return refused
        raise AssertionError("the stream ended as if nothing were wrong")


async def pile_up(scenario: Scenario, names: list[str]) -> None:
    """Send many large directives to each participant."""
    keys = ensure_keys(scenario.runtime.folder.keys, MODULES)
    signer = ServiceSigner(
        "assignment", keys.services["assignment"], scenario.clock, audience="phoenix-dma"
    )
    metadata = (("x-phoenix-dma-service", f"Bearer {signer.token(scenario.tenant)}"),)
    async with grpc.aio.insecure_channel(scenario.runtime.address("registry")) as channel:
        stub: Any = registry_pb2_grpc.RegistryServiceStub(channel)
        for name in names:
            request = registry_pb2.SendDirectivesRequest(
                directives=[directive(name, number) for number in range(PILE)]
            )
            await stub.SendDirectives(request, metadata=metadata)


def directive(name: str, number: int) -> session_pb2.Directive:
    return session_pb2.Directive(
        directive_id=f"directive.{name}.{number}",
        action=session_pb2.DIRECTIVE_ACTION_DRAIN,
        participant_id=name,
        facts={"text": TEXT},
    )


@pytest.mark.parametrize("part", ["gateway", *long_form("registry")])
async def test_who_never_reads_is_cut_with_a_reason_and_costs_bounded_memory(
    runtime: BreakableRuntime, scenario: Scenario, pages: Pages, part: str
) -> None:
    steward = await scenario.participant()
    names = [f"agent.silent.{number:02d}" for number in range(READERS)]
    registered = [await scenario.unregistered(name) for name in names]
    await asyncio.gather(*(one.register() for one in registered))
    sizes = {part: resident(runtime.pid(part)) for part in ("registry", "gateway")}
    page = pages.registry if part == "registry" else pages.gateway
    cut = await page.value("phoenix_dma_slow_readers_total")

    async with AsyncExitStack() as stack:
        readers = []
        for name in names:
            # A window that does not grow: what is not read is soon not sent.
            options = [("grpc.http2.bdp_probe", 0), ("grpc.use_local_subchannel_pool", 1)]
            channel = grpc.aio.insecure_channel(runtime.address(part), options=options)
            await stack.enter_async_context(channel)
            reader = NonReader(channel, name, scenario.participant_token(name))
            stack.callback(reader.call.cancel)
            readers.append(reader)
        await asyncio.gather(*(reader.stop_reading() for reader in readers))
        await pile_up(scenario, names)

        async def all_cut() -> bool:
            return await page.value("phoenix_dma_slow_readers_total") - cut >= READERS

        async def all_gone() -> bool:
            """Half have not read a word, and yet no stream is left but the living one's."""
            begun = await page.value("grpc_server_started_total", KEEP_ALIVE)
            return begun - await page.value("grpc_server_handled_total", KEEP_ALIVE) <= 1

        await until(all_cut, PATIENCE)
        early, late = readers[::2], readers[1::2]
        await told_why(early)
        await until(all_gone, PATIENCE)
        grown = {part: resident(runtime.pid(part)) - size for part, size in sizes.items()}
        assert max(grown.values()) < READERS * EACH, grown
        await still_works(scenario, steward)
        await told_why(late)


async def told_why(readers: list[NonReader]) -> None:
    """Whoever reads on learns how its stream ended, however late."""
    for refused in await asyncio.gather(*(reader.read_on() for reader in readers)):
        assert refused.code() is StatusCode.RESOURCE_EXHAUSTED, refused
        assert refusal_of(refused).reason == "QUOTA_EXCEEDED"
        assert "read" in refusal_of(refused).text


async def still_works(scenario: Scenario, steward: Participant) -> None:
    """Whoever reads is served as before."""
    await scenario.submit()
    epoch = (await steward.take(TASK)).task.epoch
    await steward.complete(TASK, epoch, {"merged": 0})

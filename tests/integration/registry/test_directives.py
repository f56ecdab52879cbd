"""Directives come down the stream until they are acknowledged."""

from datetime import timedelta

from phoenix_dma.v1 import session_pb2
from tests.integration.registry.conftest import STEWARD, OpenRegistry, Registry
from tests.integration.registry.sessions import directive, joined
from tests.support.waiting.until import until


async def test_a_directive_comes_down_the_stream_until_it_is_acknowledged(
    open_registry: OpenRegistry,
) -> None:
    registry = await open_registry(redelivery=timedelta(seconds=0.3))
    stream = await joined(registry)
    assert await registry.send(directive("directive.1")) == 1
    assert await registry.send(directive("directive.1"), directive("directive.2")) == 1
    first = await stream.receive_a("directive")
    assert (first.directive_id, first.epoch, first.facts["reason"]) == ("directive.1", 3, "test")
    received = [first.directive_id]
    while received.count("directive.1") < 2 or received.count("directive.2") < 2:
        received.append((await stream.receive_a("directive")).directive_id)
    for one in ("directive.1", "directive.2"):
        await stream.send(directive_ack=session_pb2.DirectiveAck(directive_id=one, slot=0))

    async def all_taken() -> bool:
        request = session_pb2.HeartbeatRequest(participant_id=STEWARD)
        answer = await registry.sessions.Heartbeat(request, metadata=registry.participant())
        return not answer.directives

    await until(all_taken)


async def test_directives_wait_for_who_is_not_there_and_come_in_order(registry: Registry) -> None:
    await registry.register()
    await registry.send(*(directive(f"directive.{number}") for number in range(40)))
    stream = registry.stream()
    await stream.attach()
    received = []
    for _ in range(40):
        one = await stream.receive_a("directive")
        received.append(one.directive_id)
        await stream.send(
            directive_ack=session_pb2.DirectiveAck(directive_id=one.directive_id, slot=0)
        )
    assert received == [f"directive.{number}" for number in range(40)]


async def test_nobody_acknowledges_what_is_somebody_elses(registry: Registry) -> None:
    stream = await joined(registry)
    await registry.register("agent.other")
    await registry.send(directive("directive.1", "agent.other"))
    await stream.send(directive_ack=session_pb2.DirectiveAck(directive_id="directive.1", slot=0))
    other = registry.stream(registry.participant("agent.other"))
    await other.attach("agent.other")
    assert (await other.receive_a("directive")).directive_id == "directive.1"


async def test_a_reader_that_stops_reading_is_cut(open_registry: OpenRegistry) -> None:
    registry = await open_registry(
        reader_patience=timedelta(seconds=0.5),
        redelivery=timedelta(seconds=0.05),
        options=[("grpc.http2.bdp_probe", 0)],
    )
    stream = await joined(registry)
    for number in range(32):
        one = directive(f"directive.{number}")
        one.facts["text"] = "x" * 4000
        await registry.send(one)

    async def suspect() -> bool:
        return bool((await registry.get()).suspect)

    await until(suspect)
    assert (await stream.refusal()).reason == "QUOTA_EXCEEDED"
    again = registry.stream()
    assert (await again.attach()).lease.participant_id == STEWARD

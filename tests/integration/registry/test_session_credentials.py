"""Which credential opens a stream or a slot, and what a wrong one costs."""

from datetime import timedelta

import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError

from phoenix_dma.v1 import session_pb2
from tests.integration.registry.conftest import STEWARD, Registry
from tests.integration.registry.sessions import joined
from tests.support.waiting.until import until


async def test_attaching_somebody_else_by_the_calls_credential_closes_the_stream(
    registry: Registry,
) -> None:
    await registry.register("agent.other")
    stream = registry.stream()
    await stream.send(attach=session_pb2.Attach(participant_id="agent.other", generation=1))
    assert (await stream.refusal()).reason == "NOT_PERMITTED"
    [event] = await registry.events("ACCESS_REFUSED")
    assert event["detail"]["attempted"] == "session.attach"


async def test_a_bad_credential_in_an_attach_harms_nobody_else_on_the_stream(
    registry: Registry,
) -> None:
    stream = await joined(registry)
    await registry.register("agent.other")
    somebodys = registry.token("participant", sub=STEWARD, participant=STEWARD)
    for credential in ("rubbish", somebodys):
        lost = (await stream.attach("agent.other", credential=credential)).lease_lost
        assert (lost.slot, lost.reason) == (-1, session_pb2.LEASE_LOST_REASON_CREDENTIAL)
    assert await stream.beat() > 1
    assert len(await registry.events("ACCESS_REFUSED")) == 1


async def test_a_stream_that_changes_its_identity_midway_is_closed_and_audited(
    registry: Registry,
) -> None:
    stream = await joined(registry)
    other = registry.token("participant", sub="agent.other", participant="agent.other")
    await stream.send(refresh=session_pb2.Refresh(slot=0, credential=other))
    assert (await stream.refusal()).reason == "NOT_PERMITTED"
    [event] = await registry.events("ACCESS_REFUSED")
    assert event["detail"]["attempted"] == "session.refresh"


async def test_a_credential_of_another_tenant_closes_the_stream(registry: Registry) -> None:
    stream = await joined(registry)
    foreign = registry.token(
        "participant", sub=STEWARD, participant=STEWARD, tenant="tenant.somebody-else"
    )
    attach = session_pb2.Attach(participant_id=STEWARD, generation=1, credential=foreign)
    await stream.send(attach=attach)
    assert (await stream.refusal()).reason == "NOT_PERMITTED"


async def test_a_lapsed_credential_loses_its_slot_only(registry: Registry) -> None:
    stream = await joined(registry)
    await registry.register("agent.other")

    async def attached() -> int:
        # Its times are whole seconds, so that it may have lapsed before it is read.
        short = registry.token(
            "participant", sub="agent.other", participant="agent.other",
            life=timedelta(seconds=1),
        )  # fmt: skip
        return int((await stream.attach("agent.other", credential=short)).lease.slot)

    slot = await until(attached)

    async def lost() -> bool:
        await stream.send(beats=session_pb2.Beats(seq=stream.seq, unchanged=[0, slot]))
        message = await stream.receive()
        return message.lease_lost.reason == session_pb2.LEASE_LOST_REASON_CREDENTIAL

    await until(lost)
    await stream.beat()


async def test_without_a_credential_no_stream_opens(registry: Registry) -> None:
    with pytest.raises(AioRpcError) as refused:
        await registry.sessions.KeepAlive().read()
    assert refused.value.code() is StatusCode.UNAUTHENTICATED

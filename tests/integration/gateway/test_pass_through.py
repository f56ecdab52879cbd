"""The gRPC port: what a client sees of the backends, and what they see of the client."""

import asyncio
from datetime import timedelta
from typing import Any

import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2

from gateway import connecting
from phoenix_dma.v1 import assignment_pb2, assignment_pb2_grpc, session_pb2, session_pb2_grpc
from phoenix_dma.wire.status_details import DETAILS_KEY
from phoenix_runtime.chassis.rpc.credentials import ServiceSigner
from phoenix_runtime.chassis.schema import rpcs
from tests.integration.gateway.conftest import RunningGateway, healthy, refused
from tests.support.fakes.gateway_backends import BROKEN
from tests.support.waiting.until import PATIENCE, until

GET_TASK = "/phoenix_dma.v1.AssignmentService/GetTask"


def task(task_id: str) -> assignment_pb2.GetTaskRequest:
    return assignment_pb2.GetTaskRequest(task_id=task_id)


def tasks(gateway: RunningGateway) -> Any:
    return assignment_pb2_grpc.AssignmentServiceStub(gateway.channel)


def sessions(gateway: RunningGateway) -> Any:
    return session_pb2_grpc.SessionServiceStub(gateway.channel)


def info(error: grpc.aio.AioRpcError) -> error_details_pb2.ErrorInfo:
    trailers: Any = error.trailing_metadata()
    found = error_details_pb2.ErrorInfo()
    status_pb2.Status.FromString(dict(trailers)[DETAILS_KEY]).details[0].Unpack(found)
    return found


async def test_a_call_reaches_its_service_with_the_callers_own_credential(
    gateway: RunningGateway,
) -> None:
    token = gateway.token("operator", sub="olga")
    answer = await tasks(gateway).GetTask(
        task("t"), metadata=(("authorization", f"Bearer {token}"), ("x-mine", "kept"))
    )
    assert answer.task.task_id == "t"
    (seen,) = gateway.recorded.metadata
    assert seen["authorization"] == f"Bearer {token}"
    assert seen["x-mine"] == "kept"
    (call,) = gateway.recorded.calls
    assert (call.actor, call.service) == ("olga", "gateway")


async def test_bytes_pass_undecoded_in_both_directions(gateway: RunningGateway) -> None:
    raw = gateway.channel.unary_unary(GET_TASK)
    # A field that no build of ours knows survives: the gateway need not be upgraded first.
    unknown = task("t").SerializeToString() + b"\xf2\x3e\x03new"
    answer = await raw(unknown, metadata=gateway.call())
    assert assignment_pb2.GetTaskResponse.FromString(answer).task.task_id == "t"
    assert gateway.recorded.requests[0].SerializeToString() == unknown


async def test_metadata_of_the_answer_comes_back(gateway: RunningGateway) -> None:
    call = tasks(gateway).GetTask(task("t"), metadata=gateway.call())
    assert dict(await call.initial_metadata())["x-begun"] == "yes"
    assert dict(await call.trailing_metadata())["x-ended"] == "yes"


async def test_headers_that_only_services_may_set_are_not_handed_on(
    gateway: RunningGateway,
) -> None:
    forged = (("x-phoenix-dma-correlation", "audit.corr.forged"), ("x-phoenix-dma-new", "x"))
    await tasks(gateway).GetTask(task("t"), metadata=(*gateway.call(), *forged))
    assert gateway.recorded.calls[0].correlation_id != "audit.corr.forged"
    assert "x-phoenix-dma-new" not in gateway.recorded.metadata[0]


async def test_a_refusal_comes_back_with_reason_and_facts(gateway: RunningGateway) -> None:
    error = await refused(tasks(gateway).GetTask(task("gone"), metadata=gateway.call()))
    assert error.code() is grpc.StatusCode.NOT_FOUND
    assert info(error).reason == "RESOURCE_NOT_FOUND"
    assert info(error).metadata["id"] == "gone"


async def test_a_fault_behind_comes_back_without_internals(gateway: RunningGateway) -> None:
    error = await refused(tasks(gateway).GetTask(task("broken"), metadata=gateway.call()))
    assert error.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in str(error.details())


async def test_violations_found_behind_come_back_by_field(gateway: RunningGateway) -> None:
    error = await refused(tasks(gateway).GetTask(task(""), metadata=gateway.call()))
    assert info(error).reason == "FIELD_INVALID"


@pytest.mark.parametrize("path", [r.path for r in rpcs().values() if r.services_only])
async def test_what_is_kept_for_services_is_refused_to_everybody(
    gateway: RunningGateway, path: str
) -> None:
    everything = ("operator", "submitter", "auditor", "reviewer", "policy_admin", "participant")
    error = await refused(
        gateway.channel.unary_unary(path)(b"", metadata=gateway.call(*everything))
    )
    assert error.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_what_is_kept_for_services_is_refused_to_a_service_too(
    gateway: RunningGateway,
) -> None:
    key = gateway.keys.service_key("state")
    signer = ServiceSigner("state", key, gateway.keys.clock, audience="phoenix-dma")
    proof = ("x-phoenix-dma-service", f"Bearer {signer.token('default')}")
    request = assignment_pb2.ResolveContextRequest(task_id="t")
    await gateway.backends.stop("assignment")
    error = await refused(tasks(gateway).ResolveContext(request, metadata=(*gateway.call(), proof)))
    assert error.code() is grpc.StatusCode.PERMISSION_DENIED
    assert "not served here" in str(error.details())


async def test_a_method_that_the_contract_does_not_have_is_unimplemented(
    gateway: RunningGateway,
) -> None:
    for path in ("/phoenix_dma.v1.AssignmentService/Nothing", "/other.Service/Call"):
        error = await refused(gateway.channel.unary_unary(path)(b"", metadata=gateway.call()))
        assert error.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_nobody_gets_past_without_a_valid_credential(gateway: RunningGateway) -> None:
    none: tuple[tuple[str, str], ...] = ()
    for metadata in (
        none,
        (("authorization", "Bearer nonsense"),),
        gateway.call("operator", audience="somebody-else"),
        gateway.call("operator", iss="somebody-else"),
        gateway.call("operator", life=timedelta(minutes=-10)),
        gateway.call("operator", key=gateway.keys.services["state"]),
    ):
        error = await refused(tasks(gateway).GetTask(task("t"), metadata=metadata))
        assert error.code() is grpc.StatusCode.UNAUTHENTICATED
        stream = sessions(gateway).KeepAlive(metadata=metadata)
        assert (await refused(stream.read())).code() is grpc.StatusCode.UNAUTHENTICATED
    assert gateway.recorded.calls == []


async def test_a_role_is_checked_before_anything_is_handed_on(gateway: RunningGateway) -> None:
    await gateway.backends.stop("assignment")
    request = assignment_pb2.AssignTaskRequest()
    error = await refused(tasks(gateway).AssignTask(request, metadata=gateway.call("auditor")))
    assert error.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_the_callers_deadline_goes_on(gateway: RunningGateway) -> None:
    for seconds in (600, 1200):
        await tasks(gateway).GetTask(task("t"), metadata=gateway.call(), timeout=seconds)
        left = gateway.recorded.remaining.pop()
        assert left is not None
        assert seconds - 300 < left < seconds + 60  # gRPC rounds up on the wire
    error = await refused(
        tasks(gateway).GetTask(task("slow"), metadata=gateway.call(), timeout=0.3)
    )
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_a_service_that_is_away_is_named_without_its_address(gateway: RunningGateway) -> None:
    await gateway.backends.stop("assignment")
    error = await refused(tasks(gateway).GetTask(task("t"), metadata=gateway.call()))
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert error.details() == "The assignment service is unavailable"
    assert "127.0.0.1" not in str(error)


async def test_a_call_that_a_service_stops_serving_may_be_made_again(
    gateway: RunningGateway,
) -> None:
    call = tasks(gateway).GetTask(task("cancelled"), metadata=gateway.call())
    error = await refused(call)
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert error.details() == "The assignment service is unavailable"


@pytest.mark.parametrize("how", BROKEN)
async def test_a_call_whose_stream_breaks_behind_may_be_made_again(
    gateway: RunningGateway, how: str
) -> None:
    error = await refused(tasks(gateway).GetTask(task(how), metadata=gateway.call()))
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert info(error).reason == "UNAVAILABLE"


async def test_a_service_that_was_away_for_a_moment_is_waited_for(
    gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "SECONDS", PATIENCE)  # however long it takes to come back
    await gateway.backends.stop("assignment")
    await healthy(
        gateway, "phoenix_dma.v1.AssignmentService", health_pb2.HealthCheckResponse.NOT_SERVING
    )
    call = tasks(gateway).GetTask(task("t"), metadata=gateway.call())
    await gateway.backends.start("assignment")
    assert (await call).task.task_id == "t"


async def test_a_keepalive_stream_carries_many_participants(gateway: RunningGateway) -> None:
    many = 500
    call = sessions(gateway).KeepAlive(metadata=gateway.call("participant", participant="agent.0"))

    async def attach() -> None:
        for number in range(many):
            one = session_pb2.Attach(participant_id=f"agent.{number}", generation=1)
            await call.write(session_pb2.KeepAliveRequest(attach=one))

    writing = asyncio.create_task(attach())
    leases = [(await call.read()).lease for _ in range(many)]
    await writing
    assert [lease.participant_id for lease in leases] == [f"agent.{n}" for n in range(many)]
    assert [lease.slot for lease in leases] == list(range(many))
    await call.write(session_pb2.KeepAliveRequest(beats=session_pb2.Beats(seq=7)))
    assert (await call.read()).beat_ack.seq == 7
    await call.done_writing()
    assert await call.read() is grpc.aio.EOF
    assert await call.code() is grpc.StatusCode.OK


async def test_a_stream_without_a_deadline_gets_none(gateway: RunningGateway) -> None:
    call = sessions(gateway).KeepAlive(metadata=gateway.call("participant", participant="agent.0"))
    await call.write(session_pb2.KeepAliveRequest(beats=session_pb2.Beats(seq=1)))
    await call.read()
    assert gateway.recorded.remaining == [None]
    call.cancel()


async def test_the_registry_is_told_that_the_gateway_lives_while_it_carries_heartbeats(
    gateway: RunningGateway,
) -> None:
    await healthy(gateway, "phoenix_dma.v1.SessionService", health_pb2.HealthCheckResponse.SERVING)
    assert gateway.recorded.checks == {}, "nobody beats"
    call = sessions(gateway).KeepAlive(metadata=gateway.call("participant", participant="agent.0"))
    await call.write(session_pb2.KeepAliveRequest(beats=session_pb2.Beats(seq=1)))
    await call.read()

    async def told_again() -> bool:
        return gateway.recorded.checks.get("registry", 0) > 1

    await until(told_again)
    assert list(gateway.recorded.checks) == ["registry"]
    call.cancel()


async def test_a_client_that_goes_away_ends_the_stream_behind(gateway: RunningGateway) -> None:
    call = sessions(gateway).KeepAlive(metadata=gateway.call("participant", participant="agent.0"))
    await call.write(session_pb2.KeepAliveRequest(beats=session_pb2.Beats(seq=1)))
    await call.read()
    call.cancel()
    await asyncio.wait_for(gateway.recorded.stream_ended.wait(), PATIENCE)


async def test_a_service_that_dies_ends_the_streams_that_it_served(gateway: RunningGateway) -> None:
    call = sessions(gateway).KeepAlive(metadata=gateway.call("participant", participant="agent.0"))
    await call.write(session_pb2.KeepAliveRequest(beats=session_pb2.Beats(seq=1)))
    await call.read()
    await gateway.backends.stop("registry")
    error = await refused(call.read())
    assert error.code() is grpc.StatusCode.UNAVAILABLE

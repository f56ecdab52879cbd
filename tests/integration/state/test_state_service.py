"""Algorithm 4 through the wire, on a real PostgreSQL."""

from typing import Any

import asyncpg
import grpc
import grpc.aio
import pytest
from google.protobuf.json_format import MessageToDict
from google.rpc import error_details_pb2, status_pb2

from phoenix_dma.v1 import state_pb2
from phoenix_dma.wire.status_details import DETAILS_KEY
from phoenix_runtime.chassis.rpc.conversions import json_to_struct
from phoenix_runtime.core.json import content_hash
from tests.integration.state.conftest import INPUT, StateHouse
from tests.support.assertions.metrics import counted
from tests.support.servers.postgres import PostgresServer

FINDINGS = {"outputs": {"pairs": 12}, "decisions": ["merge is safe"]}
HASH = content_hash(FINDINGS)
ATTESTED = "sha256:" + "ab" * 32
LATEST = "phoenix://context/task.1"


def checkpoint(**fields: Any) -> state_pb2.CheckpointContextRequest:
    said: dict[str, Any] = {
        "task_id": "task.1",
        "epoch": 1,
        "context": json_to_struct(FINDINGS),
    }
    return state_pb2.CheckpointContextRequest(**{**said, **fields})


def reference(**fields: Any) -> state_pb2.CheckpointContextRequest:
    said: dict[str, Any] = {"context": None, "state_ref": "s3://contexts/a@1", "hash": ATTESTED}
    return checkpoint(**{**said, **fields})


def status(error: grpc.aio.AioRpcError) -> status_pb2.Status:
    trailers: Any = error.trailing_metadata()
    return status_pb2.Status.FromString(dict(trailers)[DETAILS_KEY])


def info(error: grpc.aio.AioRpcError) -> error_details_pb2.ErrorInfo:
    found = error_details_pb2.ErrorInfo()
    status(error).details[0].Unpack(found)
    return found


async def refusal(call: Any) -> error_details_pb2.ErrorInfo:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return info(refused.value)


async def test_a_checkpoint_reads_back_as_it_was_written(runtime: StateHouse) -> None:
    answer = await runtime.stub.CheckpointContext(checkpoint(), metadata=runtime.token())
    assert answer.hash == HASH
    assert answer.context_ref == "phoenix://state/task.1/1"
    assert answer.receipt.audit_event_id == "event.1"
    for address in (LATEST, "phoenix://state/task.1/latest", "phoenix://state/task.1/1"):
        request = state_pb2.GetContextRequest(context_ref=address)
        found = await runtime.stub.GetContext(request, metadata=runtime.token())
        assert MessageToDict(found.context) == FINDINGS
        assert found.checkpoint == answer.checkpoint


async def test_what_goes_in_and_out_is_measured(runtime: StateHouse) -> None:
    total = "phoenix_dma_context_transfer_bytes_sum"
    before = {way: counted(total, direction=way) for way in ("in", "out")}
    answer = await runtime.stub.CheckpointContext(checkpoint(), metadata=runtime.token())
    request = state_pb2.GetContextRequest(context_ref=LATEST)
    await runtime.stub.GetContext(request, metadata=runtime.token())
    size = answer.checkpoint.size_bytes
    assert size > 0
    for way in ("in", "out"):
        assert counted(total, direction=way) - before[way] == size


async def test_before_the_first_checkpoint_the_context_is_the_submitted_input(
    runtime: StateHouse,
) -> None:
    for address in (LATEST, "phoenix://state/task.1/0"):
        request = state_pb2.GetContextRequest(context_ref=address)
        found = await runtime.stub.GetContext(request, metadata=runtime.token())
        assert MessageToDict(found.context) == INPUT
        assert found.checkpoint.version == 0


async def test_an_older_version_stays_readable_and_the_input_is_not_mistaken_for_it(
    runtime: StateHouse,
) -> None:
    await runtime.stub.CheckpointContext(checkpoint(), metadata=runtime.token())
    second = json_to_struct({"outputs": 2})
    await runtime.stub.CheckpointContext(
        checkpoint(context=second, base_version=1), metadata=runtime.token()
    )
    first = state_pb2.GetContextRequest(context_ref="phoenix://state/task.1/1")
    found = await runtime.stub.GetContext(first, metadata=runtime.token())
    assert MessageToDict(found.context) == FINDINGS
    zero = state_pb2.GetContextRequest(context_ref="phoenix://state/task.1/0")
    told = await refusal(runtime.stub.GetContext(zero, metadata=runtime.token()))
    assert told.reason == "RESOURCE_NOT_FOUND"


async def test_the_same_content_is_stored_once_a_tenant(
    runtime: StateHouse, postgres: PostgresServer
) -> None:
    await runtime.stub.CheckpointContext(checkpoint(), metadata=runtime.token())
    await runtime.stub.CheckpointContext(checkpoint(base_version=1), metadata=runtime.token())
    assert await stored(postgres, runtime.tenant) == [HASH]


async def test_a_stale_writer_is_refused_and_what_it_stored_counts_for_nothing(
    runtime: StateHouse,
) -> None:
    told = await refusal(
        runtime.stub.CheckpointContext(checkpoint(epoch=2), metadata=runtime.token())
    )
    assert told.reason == "STALE_ASSIGNMENT"
    assert told.metadata["current_epoch"] == "2"
    found = await runtime.stub.GetContext(
        state_pb2.GetContextRequest(context_ref=LATEST), metadata=runtime.token()
    )
    assert found.checkpoint.version == 0


async def test_a_writer_that_had_not_seen_the_newest_version_is_refused(
    runtime: StateHouse,
) -> None:
    await runtime.stub.CheckpointContext(checkpoint(), metadata=runtime.token())
    told = await refusal(runtime.stub.CheckpointContext(checkpoint(), metadata=runtime.token()))
    assert told.reason == "CONTEXT_VERSION_CONFLICT"


async def test_nothing_is_acknowledged_while_assignment_is_away(runtime: StateHouse) -> None:
    runtime.pointers.away = True
    told = await refusal(runtime.stub.CheckpointContext(checkpoint(), metadata=runtime.token()))
    assert told.reason == "UNAVAILABLE"
    runtime.pointers.away = False
    answer = await runtime.stub.CheckpointContext(checkpoint(), metadata=runtime.token())
    assert answer.checkpoint.version == 1


async def test_obligations_and_request_id_go_on_to_the_one_that_decides(
    runtime: StateHouse,
) -> None:
    request = checkpoint(fulfilled_obligations=["note"], request_id="retry-1")
    await runtime.stub.CheckpointContext(request, metadata=runtime.token())
    (recorded,) = runtime.pointers.recorded[runtime.tenant]
    assert list(recorded.fulfilled_obligations) == ["note"]
    assert recorded.request_id == "retry-1"


async def test_a_checkpoint_in_anothers_name_is_refused_and_audited(
    runtime: StateHouse, postgres: PostgresServer
) -> None:
    request = checkpoint(participant_id="agent.2")
    told = await refusal(runtime.stub.CheckpointContext(request, metadata=runtime.token()))
    assert told.reason == "NOT_PERMITTED"
    assert await events(postgres, runtime.tenant) == ["ACCESS_REFUSED"]
    assert await stored(postgres, runtime.tenant) == []


async def test_private_reasoning_is_refused_with_every_violation_at_once(
    runtime: StateHouse,
) -> None:
    context = json_to_struct({"outputs": {"chain_of_thought": "…"}, "plans": [], "messages": []})
    request = checkpoint(context=context, base_version=-1)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await runtime.stub.CheckpointContext(request, metadata=runtime.token())
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert violations(refused.value) >= {
        "base_version",
        "context.plans",
        "context.outputs.chain_of_thought",
    }


async def test_a_flood_of_violations_arrives_as_the_refusal_that_it_is(runtime: StateHouse) -> None:
    flood = json_to_struct({f"plan_{i}_{'ä' * 100}": {"scratchpad": i} for i in range(500)})
    told = await refusal(
        runtime.stub.CheckpointContext(checkpoint(context=flood), metadata=runtime.token())
    )
    assert told.reason == "FIELD_INVALID"


async def test_a_context_above_one_mebibyte_is_refused_with_the_limit(runtime: StateHouse) -> None:
    exact = "x" * (2**20 - len('{"outputs":""}'))
    large = checkpoint(context=json_to_struct({"outputs": exact + "x"}))
    told = await refusal(runtime.stub.CheckpointContext(large, metadata=runtime.token()))
    assert (told.reason, told.metadata["limit_bytes"]) == ("TOO_LARGE", str(2**20))
    fits = checkpoint(context=json_to_struct({"outputs": exact}))
    answer = await runtime.stub.CheckpointContext(fits, metadata=runtime.token())
    assert answer.checkpoint.size_bytes == 2**20


async def test_a_given_hash_is_compared_before_anything_is_stored(
    runtime: StateHouse, postgres: PostgresServer
) -> None:
    told = await refusal(
        runtime.stub.CheckpointContext(checkpoint(hash=ATTESTED), metadata=runtime.token())
    )
    assert told.reason == "CONTEXT_HASH_MISMATCH"
    assert await stored(postgres, runtime.tenant) == []
    answer = await runtime.stub.CheckpointContext(checkpoint(hash=HASH), metadata=runtime.token())
    assert answer.hash == HASH


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (checkpoint(context=None), "context"),
        (checkpoint(state_ref="s3://contexts/a@1", hash=ATTESTED), "context"),
        (reference(hash=""), "hash"),
        (reference(state_ref="s3://elsewhere/a@1"), "state_ref"),
        (reference(state_ref="s3://contexts/a"), "state_ref"),
        (reference(state_ref="http://127.0.0.1/a@1"), "state_ref"),
        (checkpoint(handoff_protocol=1), "state_ref"),
        (checkpoint(epoch=-1), "epoch"),
        (checkpoint(task_id="Task 1"), "task_id"),
        (checkpoint(fulfilled_obligations=[""]), "fulfilled_obligations"),
    ],
)
async def test_what_cannot_be_recorded_is_refused_by_field(
    runtime: StateHouse, request_: state_pb2.CheckpointContextRequest, field: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await runtime.stub.CheckpointContext(request_, metadata=runtime.token())
    assert field in violations(refused.value)


async def test_a_reference_keeps_hash_owner_and_handoff_protocol(runtime: StateHouse) -> None:
    request = reference(handoff_protocol=state_pb2.HANDOFF_PROTOCOL_TRANSFER_OWNERSHIP)
    answer = await runtime.stub.CheckpointContext(request, metadata=runtime.token())
    assert answer.checkpoint.by_reference
    found = await runtime.stub.GetContext(
        state_pb2.GetContextRequest(context_ref=LATEST), metadata=runtime.token()
    )
    assert not found.HasField("context")
    assert found.reference == state_pb2.StateReference(
        state_ref="s3://contexts/a@1",
        hash=ATTESTED,
        owner="data-governance",
        handoff_protocol=state_pb2.HANDOFF_PROTOCOL_TRANSFER_OWNERSHIP,
    )


async def test_what_a_reference_said_cannot_be_changed_by_sending_it_again(
    runtime: StateHouse,
) -> None:
    await runtime.stub.CheckpointContext(reference(), metadata=runtime.token())
    changed = reference(owner="somebody-else")
    told = await refusal(runtime.stub.CheckpointContext(changed, metadata=runtime.token()))
    assert told.reason == "RESOURCE_EXISTS"
    found = await runtime.stub.GetContext(
        state_pb2.GetContextRequest(context_ref=LATEST), metadata=runtime.token()
    )
    assert found.reference.owner == "data-governance"


async def test_what_somebody_without_the_task_attests_stands_in_nobodys_way(
    runtime: StateHouse,
) -> None:
    poison = reference(owner="mallory")
    told = await refusal(runtime.stub.CheckpointContext(poison, metadata=runtime.token("agent.3")))
    assert told.reason == "STALE_ASSIGNMENT"
    await runtime.stub.CheckpointContext(reference(), metadata=runtime.token())
    found = await runtime.stub.GetContext(
        state_pb2.GetContextRequest(context_ref=LATEST), metadata=runtime.token()
    )
    assert found.reference.owner == "data-governance"


async def test_an_offered_target_reads_that_offers_context_and_nothing_else(
    runtime: StateHouse,
) -> None:
    await runtime.stub.CheckpointContext(checkpoint(), metadata=runtime.token())
    request = state_pb2.GetContextRequest(context_ref=LATEST)
    told = await refusal(runtime.stub.GetContext(request, metadata=runtime.token("agent.2")))
    assert told.reason == "NOT_PERMITTED"
    request.offer_id = "offer.1"
    found = await runtime.stub.GetContext(request, metadata=runtime.token("agent.2"))
    assert found.checkpoint.hash == HASH


async def test_another_tenant_finds_nothing_of_ours(runtime: StateHouse) -> None:
    await runtime.stub.CheckpointContext(checkpoint(), metadata=runtime.token())
    other = runtime.token("agent.1", tenant="tenant.other")
    found = await runtime.stub.GetContext(
        state_pb2.GetContextRequest(context_ref=LATEST), metadata=other
    )
    assert found.checkpoint.version == 0


async def test_checkpoints_are_listed_newest_first(runtime: StateHouse) -> None:
    await runtime.stub.CheckpointContext(checkpoint(), metadata=runtime.token())
    await runtime.stub.CheckpointContext(checkpoint(base_version=1), metadata=runtime.token())
    page = await runtime.stub.ListCheckpoints(
        state_pb2.ListCheckpointsRequest(task_id="task.1"), metadata=runtime.token()
    )
    assert [pointer.version for pointer in page.checkpoints] == [2, 1]


async def test_a_foreign_address_is_refused_before_anybody_is_asked(runtime: StateHouse) -> None:
    runtime.pointers.away = True
    for address in ("file:///etc/passwd", "phoenix://state/../x/1", "http://127.0.0.1/"):
        request = state_pb2.GetContextRequest(context_ref=address)
        told = await refusal(runtime.stub.GetContext(request, metadata=runtime.token()))
        assert told.reason == "FIELD_INVALID"


async def test_content_that_was_changed_in_the_store_is_found_out(
    runtime: StateHouse, postgres: PostgresServer
) -> None:
    await runtime.stub.CheckpointContext(checkpoint(), metadata=runtime.token())
    verify = state_pb2.VerifyCheckpointRequest(context_ref=LATEST)
    whole = await runtime.stub.VerifyCheckpoint(verify, metadata=runtime.token())
    assert whole.verified
    assert whole.stored_hash == whole.recorded_hash == HASH
    await tamper(postgres, runtime.tenant)
    broken = await runtime.stub.VerifyCheckpoint(verify, metadata=runtime.token())
    assert not broken.verified
    assert broken.stored_hash == content_hash({"outputs": "forged"})
    told = await refusal(
        runtime.stub.GetContext(
            state_pb2.GetContextRequest(context_ref=LATEST), metadata=runtime.token()
        )
    )
    assert told.reason == "CONTEXT_HASH_MISMATCH"


async def test_a_reference_is_never_called_verified(runtime: StateHouse) -> None:
    await runtime.stub.CheckpointContext(reference(), metadata=runtime.token())
    verify = state_pb2.VerifyCheckpointRequest(context_ref=LATEST)
    found = await runtime.stub.VerifyCheckpoint(verify, metadata=runtime.token())
    assert not found.verified
    assert found.stored_hash == ""
    assert "attested" in found.explanation


async def test_the_service_itself_cannot_change_what_it_stored(
    runtime: StateHouse, postgres: PostgresServer
) -> None:
    await runtime.stub.CheckpointContext(checkpoint(), metadata=runtime.token())
    connection = await asyncpg.connect((await postgres.urls("state")).application)
    try:
        for statement in ("UPDATE state.contents SET size_bytes = 0", "DELETE FROM state.contents"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


def violations(error: grpc.aio.AioRpcError) -> set[str]:
    found = error_details_pb2.BadRequest()
    status(error).details[1].Unpack(found)
    return {violation.field for violation in found.field_violations}


async def inside(postgres: PostgresServer, tenant: str, query: str) -> list[Any]:
    connection = await asyncpg.connect((await postgres.urls("state")).application)
    try:
        async with connection.transaction():
            await connection.execute(f"SELECT set_config('phoenix.tenant', '{tenant}', true)")
            return [row[0] for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def stored(postgres: PostgresServer, tenant: str) -> list[str]:
    return await inside(postgres, tenant, "SELECT hash FROM state.contents")


async def events(postgres: PostgresServer, tenant: str) -> list[str]:
    return await inside(postgres, tenant, "SELECT type FROM state.outbox")


async def tamper(postgres: PostgresServer, tenant: str) -> None:
    """Change what is stored, as somebody with the owner's password could."""
    connection = await asyncpg.connect((await postgres.urls("state")).owner)
    forged = b'{"outputs":"forged"}'
    try:
        async with connection.transaction():
            await connection.execute("ALTER TABLE state.contents NO FORCE ROW LEVEL SECURITY")
            await connection.execute(
                "UPDATE state.contents SET content = $1 WHERE tenant = $2", forged, tenant
            )
            await connection.execute("ALTER TABLE state.contents FORCE ROW LEVEL SECURITY")
    finally:
        await connection.close()

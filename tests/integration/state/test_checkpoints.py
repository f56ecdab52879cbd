"""Writing contexts (Algorithm 4) through the stub, on a real PostgreSQL."""

import grpc
import grpc.aio
import pytest
from google.protobuf.json_format import MessageToDict

from phoenix_dma.v1 import state_pb2
from phoenix_runtime.chassis.rpc.structs import json_to_struct
from tests.integration.state.conftest import StateService
from tests.integration.state.requests import (
    ATTESTED,
    FINDINGS,
    HASH,
    LATEST,
    checkpoint,
    events,
    reference,
    refusal,
    stored,
    violations,
)
from tests.support.assertions.metrics import counted
from tests.support.servers.postgres import PostgresServer


async def test_a_checkpoint_reads_back_as_it_was_written(state_service: StateService) -> None:
    answer = await state_service.stub.CheckpointContext(
        checkpoint(), metadata=state_service.token()
    )
    assert answer.hash == HASH
    assert answer.context_ref == "phoenix://state/task.1/1"
    assert answer.receipt.audit_event_id == "event.1"
    for address in (LATEST, "phoenix://state/task.1/latest", "phoenix://state/task.1/1"):
        request = state_pb2.GetContextRequest(context_ref=address)
        found = await state_service.stub.GetContext(request, metadata=state_service.token())
        assert MessageToDict(found.context) == FINDINGS
        assert found.checkpoint == answer.checkpoint


async def test_what_goes_in_and_out_is_measured(state_service: StateService) -> None:
    total = "phoenix_dma_context_transfer_bytes_sum"
    before = {way: counted(total, direction=way) for way in ("in", "out")}
    answer = await state_service.stub.CheckpointContext(
        checkpoint(), metadata=state_service.token()
    )
    request = state_pb2.GetContextRequest(context_ref=LATEST)
    await state_service.stub.GetContext(request, metadata=state_service.token())
    size = answer.checkpoint.size_bytes
    assert size > 0
    for way in ("in", "out"):
        assert counted(total, direction=way) - before[way] == size


async def test_the_same_content_is_stored_once_a_tenant(
    state_service: StateService, postgres: PostgresServer
) -> None:
    await state_service.stub.CheckpointContext(checkpoint(), metadata=state_service.token())
    await state_service.stub.CheckpointContext(
        checkpoint(base_version=1), metadata=state_service.token()
    )
    assert await stored(postgres, state_service.tenant) == [HASH]


async def test_a_stale_writer_is_refused_and_what_it_stored_counts_for_nothing(
    state_service: StateService,
) -> None:
    refused = await refusal(
        state_service.stub.CheckpointContext(checkpoint(epoch=2), metadata=state_service.token())
    )
    assert refused.reason == "STALE_ASSIGNMENT"
    assert refused.metadata["current_epoch"] == "2"
    found = await state_service.stub.GetContext(
        state_pb2.GetContextRequest(context_ref=LATEST), metadata=state_service.token()
    )
    assert found.checkpoint.version == 0


async def test_a_writer_that_had_not_seen_the_newest_version_is_refused(
    state_service: StateService,
) -> None:
    await state_service.stub.CheckpointContext(checkpoint(), metadata=state_service.token())
    refused = await refusal(
        state_service.stub.CheckpointContext(checkpoint(), metadata=state_service.token())
    )
    assert refused.reason == "CONTEXT_VERSION_CONFLICT"


async def test_nothing_is_acknowledged_while_assignment_is_away(
    state_service: StateService,
) -> None:
    state_service.pointers.away = True
    refused = await refusal(
        state_service.stub.CheckpointContext(checkpoint(), metadata=state_service.token())
    )
    assert refused.reason == "UNAVAILABLE"
    state_service.pointers.away = False
    answer = await state_service.stub.CheckpointContext(
        checkpoint(), metadata=state_service.token()
    )
    assert answer.checkpoint.version == 1


async def test_obligations_and_request_id_go_on_to_the_one_that_decides(
    state_service: StateService,
) -> None:
    request = checkpoint(fulfilled_obligations=["note"], request_id="retry-1")
    await state_service.stub.CheckpointContext(request, metadata=state_service.token())
    (recorded,) = state_service.pointers.recorded[state_service.tenant]
    assert list(recorded.fulfilled_obligations) == ["note"]
    assert list(recorded.decided_obligations) == [], "nobody's word is a decision"
    assert recorded.request_id == "retry-1"


async def test_the_decisions_in_the_document_are_found_by_state_and_those_elsewhere_are_not(
    state_service: StateService,
) -> None:
    decisions = [{"obligation": "why", "decision": "it scored best"}, {"obligation": "bare"}]
    request = checkpoint(context=json_to_struct({"decisions": decisions}))
    await state_service.stub.CheckpointContext(request, metadata=state_service.token())
    elsewhere = reference(base_version=1, fulfilled_obligations=["why"])
    await state_service.stub.CheckpointContext(elsewhere, metadata=state_service.token())
    recorded = state_service.pointers.recorded[state_service.tenant]
    assert [list(one.decided_obligations) for one in recorded] == [["why"], []]
    assert [list(one.fulfilled_obligations) for one in recorded] == [[], ["why"]]


async def test_a_checkpoint_in_anothers_name_is_refused_and_audited(
    state_service: StateService, postgres: PostgresServer
) -> None:
    request = checkpoint(participant_id="agent.2")
    refused = await refusal(
        state_service.stub.CheckpointContext(request, metadata=state_service.token())
    )
    assert refused.reason == "NOT_PERMITTED"
    assert await events(postgres, state_service.tenant) == ["ACCESS_REFUSED"]
    assert await stored(postgres, state_service.tenant) == []


async def test_private_reasoning_is_refused_with_every_violation_at_once(
    state_service: StateService,
) -> None:
    context = json_to_struct({"outputs": {"chain_of_thought": "…"}, "plans": [], "messages": []})
    request = checkpoint(context=context, base_version=-1)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await state_service.stub.CheckpointContext(request, metadata=state_service.token())
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert violations(refused.value) >= {
        "base_version",
        "context.plans",
        "context.outputs.chain_of_thought",
    }


async def test_a_flood_of_violations_arrives_as_the_refusal_that_it_is(
    state_service: StateService,
) -> None:
    flood = json_to_struct({f"plan_{i}_{'ä' * 100}": {"scratchpad": i} for i in range(500)})
    refused = await refusal(
        state_service.stub.CheckpointContext(
            checkpoint(context=flood), metadata=state_service.token()
        )
    )
    assert refused.reason == "FIELD_INVALID"


async def test_a_context_above_one_mebibyte_is_refused_with_the_limit(
    state_service: StateService,
) -> None:
    exact = "x" * (2**20 - len('{"outputs":""}'))
    large = checkpoint(context=json_to_struct({"outputs": exact + "x"}))
    refused = await refusal(
        state_service.stub.CheckpointContext(large, metadata=state_service.token())
    )
    assert (refused.reason, refused.metadata["limit_bytes"]) == ("TOO_LARGE", str(2**20))
    fits = checkpoint(context=json_to_struct({"outputs": exact}))
    answer = await state_service.stub.CheckpointContext(fits, metadata=state_service.token())
    assert answer.checkpoint.size_bytes == 2**20


async def test_a_given_hash_is_compared_before_anything_is_stored(
    state_service: StateService, postgres: PostgresServer
) -> None:
    refused = await refusal(
        state_service.stub.CheckpointContext(
            checkpoint(hash=ATTESTED), metadata=state_service.token()
        )
    )
    assert refused.reason == "CONTEXT_HASH_MISMATCH"
    assert await stored(postgres, state_service.tenant) == []
    answer = await state_service.stub.CheckpointContext(
        checkpoint(hash=HASH), metadata=state_service.token()
    )
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
    state_service: StateService, request_: state_pb2.CheckpointContextRequest, field: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await state_service.stub.CheckpointContext(request_, metadata=state_service.token())
    assert field in violations(refused.value)


async def test_a_reference_keeps_hash_owner_and_handoff_protocol(
    state_service: StateService,
) -> None:
    request = reference(handoff_protocol=state_pb2.HANDOFF_PROTOCOL_TRANSFER_OWNERSHIP)
    answer = await state_service.stub.CheckpointContext(request, metadata=state_service.token())
    assert answer.checkpoint.by_reference
    found = await state_service.stub.GetContext(
        state_pb2.GetContextRequest(context_ref=LATEST), metadata=state_service.token()
    )
    assert not found.HasField("context")
    assert found.reference == state_pb2.StateReference(
        state_ref="s3://contexts/a@1",
        hash=ATTESTED,
        owner="data-governance",
        handoff_protocol=state_pb2.HANDOFF_PROTOCOL_TRANSFER_OWNERSHIP,
    )


async def test_what_a_reference_said_cannot_be_changed_by_sending_it_again(
    state_service: StateService,
) -> None:
    await state_service.stub.CheckpointContext(reference(), metadata=state_service.token())
    changed = reference(owner="somebody-else")
    refused = await refusal(
        state_service.stub.CheckpointContext(changed, metadata=state_service.token())
    )
    assert refused.reason == "RESOURCE_EXISTS"
    found = await state_service.stub.GetContext(
        state_pb2.GetContextRequest(context_ref=LATEST), metadata=state_service.token()
    )
    assert found.reference.owner == "data-governance"


async def test_what_somebody_without_the_task_attests_stands_in_nobodys_way(
    state_service: StateService,
) -> None:
    poison = reference(owner="mallory")
    refused = await refusal(
        state_service.stub.CheckpointContext(poison, metadata=state_service.token("agent.3"))
    )
    assert refused.reason == "STALE_ASSIGNMENT"
    await state_service.stub.CheckpointContext(reference(), metadata=state_service.token())
    found = await state_service.stub.GetContext(
        state_pb2.GetContextRequest(context_ref=LATEST), metadata=state_service.token()
    )
    assert found.reference.owner == "data-governance"

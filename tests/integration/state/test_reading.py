"""Reading and verifying contexts through the stub, on a real PostgreSQL."""

import asyncpg
import pytest
from google.protobuf.json_format import MessageToDict

from phoenix_dma.v1 import state_pb2
from phoenix_runtime.chassis.rpc.structs import json_to_struct
from phoenix_runtime.core.json import content_hash
from tests.integration.state.conftest import INPUT, StateService
from tests.integration.state.requests import (
    FINDINGS,
    HASH,
    LATEST,
    checkpoint,
    reference,
    refusal,
    tamper,
)
from tests.support.servers.postgres import PostgresServer


async def test_before_the_first_checkpoint_the_context_is_the_submitted_input(
    state_service: StateService,
) -> None:
    for address in (LATEST, "phoenix://state/task.1/0"):
        request = state_pb2.GetContextRequest(context_ref=address)
        found = await state_service.stub.GetContext(request, metadata=state_service.token())
        assert MessageToDict(found.context) == INPUT
        assert found.checkpoint.version == 0


async def test_an_older_version_stays_readable_and_the_input_is_not_mistaken_for_it(
    state_service: StateService,
) -> None:
    await state_service.stub.CheckpointContext(checkpoint(), metadata=state_service.token())
    second = json_to_struct({"outputs": 2})
    await state_service.stub.CheckpointContext(
        checkpoint(context=second, base_version=1), metadata=state_service.token()
    )
    first = state_pb2.GetContextRequest(context_ref="phoenix://state/task.1/1")
    found = await state_service.stub.GetContext(first, metadata=state_service.token())
    assert MessageToDict(found.context) == FINDINGS
    zero = state_pb2.GetContextRequest(context_ref="phoenix://state/task.1/0")
    refused = await refusal(state_service.stub.GetContext(zero, metadata=state_service.token()))
    assert refused.reason == "RESOURCE_NOT_FOUND"


async def test_an_offered_target_reads_that_offers_context_and_nothing_else(
    state_service: StateService,
) -> None:
    await state_service.stub.CheckpointContext(checkpoint(), metadata=state_service.token())
    request = state_pb2.GetContextRequest(context_ref=LATEST)
    refused = await refusal(
        state_service.stub.GetContext(request, metadata=state_service.token("agent.2"))
    )
    assert refused.reason == "NOT_PERMITTED"
    request.offer_id = "offer.1"
    found = await state_service.stub.GetContext(request, metadata=state_service.token("agent.2"))
    assert found.checkpoint.hash == HASH


async def test_another_tenant_finds_nothing_of_ours(state_service: StateService) -> None:
    await state_service.stub.CheckpointContext(checkpoint(), metadata=state_service.token())
    other = state_service.token("agent.1", tenant="tenant.other")
    found = await state_service.stub.GetContext(
        state_pb2.GetContextRequest(context_ref=LATEST), metadata=other
    )
    assert found.checkpoint.version == 0


async def test_checkpoints_are_listed_newest_first(state_service: StateService) -> None:
    await state_service.stub.CheckpointContext(checkpoint(), metadata=state_service.token())
    await state_service.stub.CheckpointContext(
        checkpoint(base_version=1), metadata=state_service.token()
    )
    page = await state_service.stub.ListCheckpoints(
        state_pb2.ListCheckpointsRequest(task_id="task.1"), metadata=state_service.token()
    )
    assert [pointer.version for pointer in page.checkpoints] == [2, 1]


async def test_a_foreign_address_is_refused_before_anybody_is_asked(
    state_service: StateService,
) -> None:
    state_service.pointers.away = True
    for address in ("file:///etc/passwd", "phoenix://state/../x/1", "http://127.0.0.1/"):
        request = state_pb2.GetContextRequest(context_ref=address)
        refused = await refusal(
            state_service.stub.GetContext(request, metadata=state_service.token())
        )
        assert refused.reason == "FIELD_INVALID"


async def test_content_that_was_changed_in_the_store_is_found_out(
    state_service: StateService, postgres: PostgresServer
) -> None:
    await state_service.stub.CheckpointContext(checkpoint(), metadata=state_service.token())
    verify = state_pb2.VerifyCheckpointRequest(context_ref=LATEST)
    whole = await state_service.stub.VerifyCheckpoint(verify, metadata=state_service.token())
    assert whole.verified
    assert whole.stored_hash == whole.recorded_hash == HASH
    await tamper(postgres, state_service.tenant)
    broken = await state_service.stub.VerifyCheckpoint(verify, metadata=state_service.token())
    assert not broken.verified
    assert broken.stored_hash == content_hash({"outputs": "forged"})
    refused = await refusal(
        state_service.stub.GetContext(
            state_pb2.GetContextRequest(context_ref=LATEST), metadata=state_service.token()
        )
    )
    assert refused.reason == "CONTEXT_HASH_MISMATCH"


async def test_a_reference_is_never_called_verified(state_service: StateService) -> None:
    await state_service.stub.CheckpointContext(reference(), metadata=state_service.token())
    verify = state_pb2.VerifyCheckpointRequest(context_ref=LATEST)
    found = await state_service.stub.VerifyCheckpoint(verify, metadata=state_service.token())
    assert not found.verified
    assert found.stored_hash == ""
    assert "attested" in found.explanation


async def test_the_service_itself_cannot_change_what_it_stored(
    state_service: StateService, postgres: PostgresServer
) -> None:
    await state_service.stub.CheckpointContext(checkpoint(), metadata=state_service.token())
    connection = await asyncpg.connect((await postgres.urls("state")).application)
    try:
        for statement in ("UPDATE state.contents SET size_bytes = 0", "DELETE FROM state.contents"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()

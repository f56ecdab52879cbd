"""GetTaskDossier: gathered with the caller's own rights, partial answers marked."""

from typing import Any

import grpc
import grpc.aio
import pytest

from phoenix_dma.v1 import common_pb2, gateway_pb2, gateway_pb2_grpc
from tests.integration.gateway.conftest import RpcHandler


async def dossier(handler: RpcHandler, task_id: str, *roles: str) -> Any:
    stub: Any = gateway_pb2_grpc.GatewayServiceStub(handler.channel)
    request = gateway_pb2.GetTaskDossierRequest(task_id=task_id)
    return await stub.GetTaskDossier(request, metadata=handler.call(*roles))


async def test_a_whole_dossier_has_every_part(handler: RpcHandler) -> None:
    found = await dossier(handler, "held")
    assert found.task.task_id == "held"
    assert found.participant.id == "agent.1"
    assert [child.parent_task_id for child in found.children] == ["held"]
    assert [pointer.version for pointer in found.checkpoints] == [1]
    assert [handoff.handoff_id for handoff in found.handoffs] == ["h"]
    assert [approval.approval_id for approval in found.approvals] == ["approval.1"]
    assert [event.event_id for event in found.lineage] == ["event.1"]
    assert not found.missing


async def test_a_task_that_nobody_holds_has_no_participant_and_lacks_nothing(
    handler: RpcHandler,
) -> None:
    found = await dossier(handler, "free")
    assert not found.HasField("participant")
    assert not found.missing


async def test_parts_whose_service_is_away_are_named_and_the_rest_is_there(
    handler: RpcHandler,
) -> None:
    await handler.behind.end("governance")
    found = await dossier(handler, "held")
    assert {part.part: part.reason for part in found.missing} == {
        "approvals": common_pb2.ERROR_REASON_UNAVAILABLE,
        "lineage": common_pb2.ERROR_REASON_UNAVAILABLE,
    }
    assert found.checkpoints
    assert "127.0.0.1" not in str(found)


async def test_parts_that_the_caller_may_not_see_are_named(handler: RpcHandler) -> None:
    found = await dossier(handler, "held", "submitter")
    assert {part.part: part.reason for part in found.missing} == {
        "approvals": common_pb2.ERROR_REASON_NOT_PERMITTED
    }


async def test_a_task_that_is_not_there_has_no_dossier(handler: RpcHandler) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await dossier(handler, "gone")
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND


async def test_without_the_task_itself_there_is_no_dossier(handler: RpcHandler) -> None:
    await handler.behind.end("assignment")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await dossier(handler, "held")
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE

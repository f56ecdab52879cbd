"""GetTaskDossier: gathered with the caller's own rights, partial answers marked."""

from typing import Any

import grpc
import grpc.aio
import pytest

from phoenix_dma.v1 import common_pb2, gateway_pb2, gateway_pb2_grpc
from tests.integration.gateway.conftest import RunningGateway


async def dossier(gateway: RunningGateway, task_id: str, *roles: str) -> Any:
    stub: Any = gateway_pb2_grpc.GatewayServiceStub(gateway.channel)
    request = gateway_pb2.GetTaskDossierRequest(task_id=task_id)
    return await stub.GetTaskDossier(request, metadata=gateway.call(*roles))


async def test_a_whole_dossier_has_every_part(gateway: RunningGateway) -> None:
    found = await dossier(gateway, "held")
    assert found.task.task_id == "held"
    assert found.participant.id == "agent.1"
    assert [child.parent_task_id for child in found.children] == ["held"]
    assert [pointer.version for pointer in found.checkpoints] == [1]
    assert [handoff.handoff_id for handoff in found.handoffs] == ["h"]
    assert [effect.authorization_id for effect in found.effects] == ["authorization.1"]
    assert [approval.approval_id for approval in found.approvals] == ["approval.1"]
    assert [event.event_id for event in found.lineage] == ["event.1"]
    assert not found.missing


async def test_a_task_that_nobody_holds_has_no_participant_and_lacks_nothing(
    gateway: RunningGateway,
) -> None:
    found = await dossier(gateway, "free")
    assert not found.HasField("participant")
    assert not found.missing


async def test_parts_whose_service_is_away_are_named_and_the_rest_is_there(
    gateway: RunningGateway,
) -> None:
    await gateway.backends.stop("governance")
    found = await dossier(gateway, "held")
    assert {part.part: part.reason for part in found.missing} == {
        "approvals": common_pb2.ERROR_REASON_UNAVAILABLE,
        "lineage": common_pb2.ERROR_REASON_UNAVAILABLE,
    }
    assert found.checkpoints
    assert "127.0.0.1" not in str(found)


async def test_parts_that_the_caller_may_not_see_are_named(gateway: RunningGateway) -> None:
    found = await dossier(gateway, "held", "submitter")
    assert {part.part: part.reason for part in found.missing} == {
        "approvals": common_pb2.ERROR_REASON_NOT_PERMITTED
    }


async def test_a_task_that_is_not_there_has_no_dossier(gateway: RunningGateway) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await dossier(gateway, "gone")
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND


async def test_without_the_task_itself_there_is_no_dossier(gateway: RunningGateway) -> None:
    await gateway.backends.stop("assignment")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await dossier(gateway, "held")
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE

"""A participant's credential opens nothing that belongs to another participant."""

from __future__ import annotations

from typing import Any

import pytest
from grpc.aio import AioRpcError

from phoenix_dma.aio.rpc.errors import error_of
from phoenix_dma.errors import (
    AssignmentLost,
    NotFound,
    NotPermitted,
    OfferLapsed,
    PhoenixError,
    PolicyDenied,
)
from phoenix_dma.v1 import (
    assignment_pb2,
    audit_pb2,
    handoff_pb2,
    registry_pb2,
    session_pb2,
    state_pb2,
)
from phoenix_dma.wire.conversions import struct_of
from tests.e2e.scenarios.intervals import ATTEMPT
from tests.e2e.scenarios.participant import Participant
from tests.e2e.scenarios.scenario import BACKUP, STEWARD, TASK, Scenario
from tests.support.builders.keys import bearer


async def test_a_participants_credential_cannot_act_for_another(scenario: Scenario) -> None:
    steward = await scenario.participant(STEWARD)
    thief = await scenario.participant(BACKUP, capabilities=["data_quality_check"])
    await scenario.submit()
    epoch = (await steward.take(TASK)).task.epoch
    attempts = [
        *attempts_as_the_owner(thief, steward, epoch),
        *attempts_on_the_task(thief, epoch),
        (thief.api.stubs.assignment.SubmitTask, submission_of_a_child(scenario, epoch)),
    ]
    no = {NotPermitted.reason, AssignmentLost.reason, PolicyDenied.reason}
    for method, request in attempts:
        with pytest.raises(PhoenixError) as refused:
            await thief.api.ask(method, request)
        assert refused.value.reason in no, method._method

    with pytest.raises(AioRpcError) as shut:
        await _listen_as(scenario, steward, thief)
    assert error_of(shut.value).reason == NotPermitted.reason
    assert await scenario.story(TASK) == ["TASK_SUBMITTED", "ASSIGNMENT_CREATED", "TASK_STARTED"]
    assert await scenario.events("ACCESS_REFUSED")
    await steward.complete(TASK, epoch, {"merged": 0})


def attempts_as_the_owner(
    thief: Participant, steward: Participant, epoch: int
) -> list[tuple[Any, Any]]:
    """Calls that name the steward as whoever acts."""
    stubs = thief.api.stubs
    checkpoint = state_pb2.CheckpointContextRequest(
        task_id=TASK, participant_id=STEWARD, epoch=epoch, context=struct_of({"outputs": {}})
    )
    return [
        (
            stubs.registry.RegisterParticipant,
            registry_pb2.RegisterParticipantRequest(participant=steward.declaration),
        ),
        (
            stubs.registry.UpdateCapabilities,
            registry_pb2.UpdateCapabilitiesRequest(participant_id=STEWARD),
        ),
        (stubs.sessions.Heartbeat, session_pb2.HeartbeatRequest(participant_id=STEWARD)),
        (stubs.state.CheckpointContext, checkpoint),
        (
            stubs.handoffs.InitiateHandoff,
            handoff_pb2.InitiateHandoffRequest(task_id=TASK, source=STEWARD),
        ),
        (
            stubs.handoffs.RetireParticipant,
            handoff_pb2.RetireParticipantRequest(participant_id=STEWARD),
        ),
    ]


def attempts_on_the_task(thief: Participant, epoch: int) -> list[tuple[Any, Any]]:
    """Calls about the steward's task, under its epoch."""
    stubs = thief.api.stubs
    held: dict[str, Any] = {"task_id": TASK, "epoch": epoch}
    reading = assignment_pb2.AuthorizeActionRequest(
        **held, kind=assignment_pb2.ACTION_KIND_DATA_READ, name="read"
    )
    return [
        (
            stubs.state.GetContext,
            state_pb2.GetContextRequest(context_ref=f"phoenix://context/{TASK}"),
        ),
        (stubs.audit.GetLineage, audit_pb2.GetLineageRequest(task_id=TASK)),
        (stubs.assignment.StartTask, assignment_pb2.StartTaskRequest(**held)),
        (stubs.assignment.CompleteTask, assignment_pb2.CompleteTaskRequest(**held)),
        (stubs.assignment.FailTask, assignment_pb2.FailTaskRequest(**held, message="not mine")),
        (stubs.assignment.AuthorizeAction, reading),
        (stubs.assignment.CancelTask, assignment_pb2.CancelTaskRequest(task_id=TASK)),
    ]


async def test_an_offer_is_its_targets_alone(scenario: Scenario) -> None:
    steward = await scenario.participant(STEWARD)
    await scenario.submit()
    await steward.take(TASK)
    backup = await scenario.participant(BACKUP)
    thief = await scenario.participant("agent.thief.001", capabilities=["data_quality_check"])
    await (await scenario.operator()).hand_off(TASK)
    offer = await backup.directive("receive_handoff", TASK)  # it stands for a few seconds only
    no = {NotPermitted.reason, OfferLapsed.reason, NotFound.reason, PolicyDenied.reason}
    with pytest.raises(PhoenixError) as refused:
        await thief.read(f"phoenix://context/{TASK}", offer.offer_id)
    assert refused.value.reason in no
    with pytest.raises(PhoenixError) as refused:
        await thief.accept(offer, received_hash="sha256:" + "0" * 64)
    assert refused.value.reason in no
    with pytest.raises(PhoenixError) as refused:
        await thief.refuse(offer)
    assert refused.value.reason in no
    await backup.accept(offer)


def submission_of_a_child(scenario: Scenario, epoch: int) -> assignment_pb2.SubmitTaskRequest:
    """A child of the steward's task."""
    child = scenario.task(task_id="task.stolen")
    child.parent_task_id, child.parent_epoch = TASK, epoch
    return assignment_pb2.SubmitTaskRequest(task=child)


async def _listen_as(scenario: Scenario, victim: Participant, thief: Participant) -> None:
    """Attach the victim's session under the thief's credential."""
    token = await thief.credential.token()
    stubs = (await scenario.transport()).stubs
    attach = session_pb2.Attach(participant_id=victim.id, generation=victim.generation)
    said = iter([session_pb2.KeepAliveRequest(attach=attach)])
    async for heard in stubs.sessions.KeepAlive(said, metadata=bearer(token), timeout=ATTEMPT):
        raise AssertionError(f"the thief heard {heard}")

"""Cases of assignment and state: one task from its submission to its end."""

from __future__ import annotations

import json
from typing import Any

from phoenix_dma.v1 import assignment_pb2, state_pb2
from phoenix_dma.wire.conversions import struct_of
from phoenix_runtime.chassis.failpoints import (
    BEFORE_REPLY,
    CONTENT_AND_POINTER,
    DELIVERY_AND_MARK,
)
from tests.e2e.scenarios.participant import Participant
from tests.e2e.scenarios.scenario import BACKUP, STEWARD, TASK, Scenario
from tests.robustness.crash_windows.ends import complete, in_ledger, take_and_complete
from tests.robustness.crash_windows.windows import CrashCase, Operation, Window, request, unit, verb

PLACES = json.dumps({"*": ["s3://contexts/"]})
"""Where contexts may lie that are not the runtime's own."""
ELSEWHERE = "s3://contexts/8841.json?versionId=7"


async def at_work(scenario: Scenario, **fields: Any) -> tuple[Participant, int]:
    """The steward holds the task and has started it; answers its epoch."""
    steward = await scenario.participant(STEWARD)
    await scenario.submit(**fields)
    return steward, (await steward.take(TASK)).task.epoch


async def submitting(scenario: Scenario) -> Operation:
    steward = await scenario.participant(STEWARD)
    operator = await scenario.operator()
    message = assignment_pb2.SubmitTaskRequest(task=scenario.task())

    async def finish(_: object) -> None:
        await take_and_complete(steward)
        await in_ledger(scenario, "TASK_SUBMITTED", "ASSIGNMENT_CREATED")

    events = {"TASK_SUBMITTED": 1, "ASSIGNMENT_CREATED": 1}
    return request(operator, operator.stubs.assignment.SubmitTask, message, events, finish)


async def assigning(scenario: Scenario) -> Operation:
    """Between its two commits the queue leaves the task to its caller, if no bus event wakes it."""
    steward = await scenario.participant(STEWARD)
    operator = await scenario.operator()
    message = assignment_pb2.AssignTaskRequest(task=scenario.task())

    async def finish(answer: assignment_pb2.AssignTaskResponse) -> None:
        assert answer.participant_id == STEWARD
        await take_and_complete(steward)

    events = {"TASK_SUBMITTED": 1, "ASSIGNMENT_CREATED": 1}
    return request(operator, operator.stubs.assignment.AssignTask, message, events, finish)


async def starting(scenario: Scenario) -> Operation:
    steward = await scenario.participant(STEWARD)
    await scenario.submit()
    epoch = (await steward.directive("start_task", TASK)).epoch
    message = assignment_pb2.StartTaskRequest(task_id=TASK, epoch=epoch)

    async def finish(_: object) -> None:
        await complete(steward, epoch)

    method = steward.api.stubs.assignment.StartTask
    return request(steward.api, method, message, {"TASK_STARTED": 1}, finish)


async def declining(scenario: Scenario) -> Operation:
    steward = await scenario.participant(STEWARD)
    await scenario.submit()
    epoch = (await steward.directive("start_task", TASK)).epoch
    backup = await scenario.participant(BACKUP)
    message = assignment_pb2.DeclineTaskRequest(task_id=TASK, epoch=epoch, reason="not today")

    async def finish(_: object) -> None:
        await take_and_complete(backup)

    method = steward.api.stubs.assignment.DeclineTask
    events = {"TASK_DECLINED": 1, "ASSIGNMENT_CREATED": 2}
    return request(steward.api, method, message, events, finish)


async def resuming(scenario: Scenario) -> Operation:
    """The answer is not remembered: the same generation gets the same epochs, however often."""
    steward, before = await at_work(scenario)
    await steward.fall_silent()
    await steward.join()
    message = assignment_pb2.ResumeTasksRequest(generation=steward.generation)

    async def finish(answer: assignment_pb2.ResumeTasksResponse) -> None:
        (briefing,) = answer.briefings
        assert briefing.task.epoch > before
        await complete(steward, briefing.task.epoch)

    method = steward.api.stubs.assignment.ResumeTasks
    return request(steward.api, method, message, {"TASK_RESUMED": 1}, finish)


async def losing_the_last_owner(scenario: Scenario) -> Operation:
    """Its next process comes back once too often: the loss and the end are one commit."""
    steward, _ = await at_work(scenario, max_losses=1)
    await steward.fall_silent()
    await steward.join()
    message = assignment_pb2.ResumeTasksRequest(generation=steward.generation)

    async def finish(answer: assignment_pb2.ResumeTasksResponse) -> None:
        assert not answer.briefings
        task = await scenario.task_in(TASK, "failed")
        assert (task.reason, task.losses, task.lost_owners) == ("owners_lost", 1, (STEWARD,))
        await scenario.submit(task_id="task.next")
        await take_and_complete(steward, "task.next")

    method = steward.api.stubs.assignment.ResumeTasks
    return request(steward.api, method, message, {"TASK_FAILED": 1}, finish)


async def checkpointing(scenario: Scenario) -> Operation:
    steward, epoch = await at_work(scenario)
    message = state_pb2.CheckpointContextRequest(
        task_id=TASK, epoch=epoch, base_version=0, context=struct_of({"outputs": {"done": [1]}})
    )

    async def finish(answer: state_pb2.CheckpointContextResponse) -> None:
        assert answer.checkpoint.version == 1
        read = await steward.read(f"phoenix://state/{TASK}/1")
        assert read.checkpoint.hash == answer.checkpoint.hash
        await complete(steward, epoch)

    method = steward.api.stubs.state.CheckpointContext
    return request(steward.api, method, message, {"CONTEXT_CHECKPOINTED": 2}, finish)


async def attesting(scenario: Scenario) -> Operation:
    """The context lies elsewhere; what is attested of it is kept here."""
    steward, epoch = await at_work(scenario)
    message = state_pb2.CheckpointContextRequest(
        task_id=TASK, epoch=epoch, base_version=0, state_ref=ELSEWHERE, hash=f"sha256:{'0' * 64}"
    )

    async def finish(answer: state_pb2.CheckpointContextResponse) -> None:
        read = await steward.read(f"phoenix://state/{TASK}/1")
        assert (read.reference.state_ref, answer.checkpoint.version) == (ELSEWHERE, 1)
        await complete(steward, epoch)

    method = steward.api.stubs.state.CheckpointContext
    return request(steward.api, method, message, {"CONTEXT_CHECKPOINTED": 2}, finish)


async def completing(scenario: Scenario) -> Operation:
    steward, epoch = await at_work(scenario)
    message = assignment_pb2.CompleteTaskRequest(
        task_id=TASK, epoch=epoch, result=struct_of({"merged": 3})
    )

    async def finish(_: object) -> None:
        assert (await scenario.task_in(TASK, "succeeded")).result == {"merged": 3}
        await scenario.submit(task_id="task.next")
        await take_and_complete(steward, "task.next")

    method = steward.api.stubs.assignment.CompleteTask
    return request(steward.api, method, message, {"TASK_SUCCEEDED": 2}, finish)


async def failing(scenario: Scenario) -> Operation:
    steward, epoch = await at_work(scenario)
    message = assignment_pb2.FailTaskRequest(task_id=TASK, epoch=epoch, message="it cannot be done")

    async def finish(_: object) -> None:
        await scenario.task_in(TASK, "failed")

    method = steward.api.stubs.assignment.FailTask
    return request(steward.api, method, message, {"TASK_FAILED": 1}, finish)


async def retrying(scenario: Scenario) -> Operation:
    steward, epoch = await at_work(scenario)
    message = assignment_pb2.FailTaskRequest(
        task_id=TASK, epoch=epoch, message="the line is busy", retryable=True
    )

    async def finish(_: object) -> None:
        again = await steward.take(TASK)
        assert again.task.attempt == 2
        await complete(steward, again.task.epoch)

    method = steward.api.stubs.assignment.FailTask
    return request(steward.api, method, message, {"TASK_RETRIED": 1}, finish)


async def cancelling(scenario: Scenario) -> Operation:
    steward, _ = await at_work(scenario)
    operator = await scenario.operator()
    message = assignment_pb2.CancelTaskRequest(task_id=TASK, reason="not needed")

    async def finish(_: object) -> None:
        await scenario.task_in(TASK, "cancelled")
        await steward.directive("stop_task", TASK)
        await scenario.submit(task_id="task.next")
        await take_and_complete(steward, "task.next")

    method = operator.stubs.assignment.CancelTask
    return request(operator, method, message, {"TASK_CANCELLED": 1}, finish)


PART = "assignment"
ASSIGNING = (*unit("AssignTask"), *verb("AssignTask"))
CHECKPOINTING = (
    Window(CONTENT_AND_POINTER),
    Window(BEFORE_REPLY, ("CheckpointContext",)),
)
TASKS = (
    CrashCase("submitting", PART, verb("SubmitTask"), submitting),
    CrashCase("assigning", PART, ASSIGNING, assigning),
    CrashCase("starting", PART, verb("StartTask"), starting),
    CrashCase("declining", PART, verb("DeclineTask"), declining),
    CrashCase("resuming", PART, verb("ResumeTasks"), resuming),
    CrashCase("losing-the-last-owner", PART, unit("ResumeTasks"), losing_the_last_owner),
    CrashCase("checkpointing", PART, verb("RecordCheckpoint"), checkpointing),
    CrashCase("checkpointing", "state", CHECKPOINTING, checkpointing),
    CrashCase("attesting", "state", CHECKPOINTING, attesting),
    CrashCase("completing", PART, verb("CompleteTask"), completing),
    CrashCase("failing", PART, verb("FailTask"), failing),
    CrashCase("retrying", PART, verb("FailTask"), retrying),
    CrashCase("cancelling", PART, verb("CancelTask"), cancelling),
    CrashCase("being-found", PART, unit("assignment_tasks", told=False), submitting),
    *(
        CrashCase(
            f"relaying-{to}", PART, [Window(DELIVERY_AND_MARK, (to,), told=False)], submitting
        )
        for to in ("ledger", "bus", "directives")
    ),
    CrashCase("submitting", "gateway", [Window(BEFORE_REPLY, ("SubmitTask",))], submitting),
    CrashCase("checkpointing", "gateway", CHECKPOINTING[1:], checkpointing),
)

"""Between assignment's messages and its values: requests of verbs, and their answers."""

from collections.abc import Iterable

from assignment_svc.api.convert_task import briefing_to_pb, pointer_to_pb, task_to_pb
from assignment_svc.domain.approval import Authorization
from assignment_svc.domain.context import ContextPointer
from assignment_svc.domain.discovery import Alternative
from assignment_svc.domain.states import TaskStatus
from assignment_svc.domain.task import Task, TaskFilter
from assignment_svc.domain.texts import checked_obligations
from assignment_svc.usecases.actions.permission import Authorized
from assignment_svc.usecases.assignment.assigned import Assigned
from assignment_svc.usecases.assignment.explain_assignment import Explanation
from assignment_svc.usecases.tasks.changed import Changed
from assignment_svc.usecases.tasks.complete_task import TaskResult
from assignment_svc.usecases.tasks.fail_task import Failure
from assignment_svc.usecases.tasks.read_contexts import Resolved
from assignment_svc.usecases.tasks.read_tasks import ObservedTask
from assignment_svc.usecases.tasks.record_checkpoint import Checkpoint, Recorded
from assignment_svc.usecases.tasks.resume_tasks import Resumed
from assignment_svc.usecases.tasks.start_task import Started
from assignment_svc.usecases.tasks.submit_task import Submitted
from phoenix_dma.v1 import assignment_pb2
from phoenix_runtime.chassis.rpc.conversions import (
    json_object,
    obligation_to_pb,
    receipt_to_pb,
    score_to_pb,
    short,
    verdict_to_pb,
)
from phoenix_runtime.chassis.rpc.pages import page_to_pb
from phoenix_runtime.chassis.rpc.structs import struct_to_json
from phoenix_runtime.core.pages import Page


def submitted_to_pb(submitted: Submitted) -> assignment_pb2.SubmitTaskResponse:
    """The created task."""
    return assignment_pb2.SubmitTaskResponse(
        task=task_to_pb(submitted.task), receipt=receipt_to_pb(submitted.receipt)
    )


def assigned_to_pb(assigned: Assigned) -> assignment_pb2.AssignTaskResponse:
    """Who got the task and why (paper, Appendix A)."""
    decision = (
        assignment_pb2.ASSIGNMENT_DECISION_AWAITING_APPROVAL
        if assigned.parked
        else assignment_pb2.ASSIGNMENT_DECISION_APPROVED
    )
    return assignment_pb2.AssignTaskResponse(
        assignment_id=assigned.assignment_id,
        participant_id=assigned.participant_id,
        decision=decision,
        policy_decision_id=assigned.decision_id,
        explanation=assigned.explanation,
        score=score_to_pb(assigned.score),
        alternatives=alternatives_to_pb(assigned.alternatives),
        task=task_to_pb(assigned.task),
        receipt=receipt_to_pb(assigned.receipt),
    )


def alternatives_to_pb(alternatives: Iterable[Alternative]) -> list[assignment_pb2.Alternative]:
    """Those who were not chosen, and why each lost."""
    return [
        assignment_pb2.Alternative(
            participant_id=one.participant_id,
            score=score_to_pb(one.score),
            failed=one.failed,
            because=one.because,
            policy_decision_id=one.decision_id,
        )
        for one in alternatives
    ]


def explained_to_pb(explained: Explanation) -> assignment_pb2.ExplainAssignmentResponse:
    """Who would get it, and why not the others."""
    verdict = explained.verdict
    return assignment_pb2.ExplainAssignmentResponse(
        participant_id=explained.participant_id,
        score=score_to_pb(explained.score),
        alternatives=alternatives_to_pb(explained.alternatives),
        verdict=verdict_to_pb(verdict) if verdict is not None else None,
        explanation=explained.explanation,
    )


def task_read_to_pb(read: ObservedTask) -> assignment_pb2.GetTaskResponse:
    """One task."""
    return assignment_pb2.GetTaskResponse(task=task_to_pb(read.task, read.result))


def task_filter_from_pb(request: assignment_pb2.ListTasksRequest) -> TaskFilter:
    """Which tasks are wanted."""
    return TaskFilter(
        statuses=tuple(
            TaskStatus(name)
            for one in request.statuses
            if (name := short(assignment_pb2.TaskStatus, one))
        ),
        participant_id=request.participant_id,
        parent_task_id=request.parent_task_id,
        correlation_id=request.correlation_id,
    )


def tasks_to_pb(page: Page[Task]) -> assignment_pb2.ListTasksResponse:
    """A page of tasks, without their results."""
    made, token = page_to_pb(page, task_to_pb)
    return assignment_pb2.ListTasksResponse(
        tasks=made, next_page_token=token, total_size=page.total
    )


def started_to_pb(started: Started) -> assignment_pb2.StartTaskResponse:
    """What to work on."""
    return assignment_pb2.StartTaskResponse(
        briefing=briefing_to_pb(started.briefing), receipt=receipt_to_pb(started.receipt)
    )


def resumed_to_pb(
    resumed: Resumed, briefings: Iterable[assignment_pb2.TaskBriefing]
) -> assignment_pb2.ResumeTasksResponse:
    """A page of the tasks that the caller holds now; ``briefings`` are those of ``resumed``."""
    made = assignment_pb2.ResumeTasksResponse(
        briefings=briefings, next_page_token=resumed.next_token
    )
    proofs = (receipt_to_pb(one) for one in resumed.receipts)
    made.receipts.extend(proof for proof in proofs if proof is not None)
    return made


def declined_to_pb(changed: Changed) -> assignment_pb2.DeclineTaskResponse:
    """The task, pending again."""
    return assignment_pb2.DeclineTaskResponse(
        task=task_to_pb(changed.task), receipt=receipt_to_pb(changed.receipt)
    )


def failure_from_pb(request: assignment_pb2.FailTaskRequest) -> Failure:
    """What the assignee reports."""
    return Failure(request.message, request.retryable, request.input_at_fault)


def failed_to_pb(changed: Changed) -> assignment_pb2.FailTaskResponse:
    """The failed or retried task."""
    return assignment_pb2.FailTaskResponse(
        task=task_to_pb(changed.task), receipt=receipt_to_pb(changed.receipt)
    )


def cancelled_to_pb(changed: Changed) -> assignment_pb2.CancelTaskResponse:
    """The cancelled task."""
    return assignment_pb2.CancelTaskResponse(
        task=task_to_pb(changed.task), receipt=receipt_to_pb(changed.receipt)
    )


def result_from_pb(request: assignment_pb2.CompleteTaskRequest) -> TaskResult:
    """What an assignee brings."""
    value = struct_to_json(request.result, "result") if request.HasField("result") else {}
    named = checked_obligations("fulfilled_obligations", request.fulfilled_obligations)
    return TaskResult(request.task_id, request.epoch, value, named)


def completed_to_pb(changed: Changed) -> assignment_pb2.CompleteTaskResponse:
    """The ended or parked task."""
    return assignment_pb2.CompleteTaskResponse(
        task=task_to_pb(changed.task, changed.result), receipt=receipt_to_pb(changed.receipt)
    )


def authorized_to_pb(authorized: Authorized) -> assignment_pb2.AuthorizeActionResponse:
    """The permission to act."""
    given: Authorization = authorized.authorization
    verdict = authorized.verdict
    return assignment_pb2.AuthorizeActionResponse(
        authorization_id=given.authorization_id,
        subject_hash=given.subject_hash,
        verdict=verdict_to_pb(verdict),
        approval_id=given.approval_id,
        obligations=[obligation_to_pb(o, verdict.decision_id) for o in authorized.obligations],
        receipt=receipt_to_pb(authorized.receipt),
    )


def checkpoint_from_pb(request: assignment_pb2.RecordCheckpointRequest) -> Checkpoint:
    """What is to become the newest context."""
    return Checkpoint(
        task_id=request.task_id,
        epoch=request.epoch,
        base_version=request.base_version,
        hash=request.hash,
        size_bytes=request.size_bytes,
        by_reference=request.by_reference,
        external_ref=request.external_ref,
        fulfilled=tuple(request.fulfilled_obligations),
        decided=tuple(request.decided_obligations),
    )


def recorded_to_pb(recorded: Recorded) -> assignment_pb2.RecordCheckpointResponse:
    """The recorded pointer."""
    return assignment_pb2.RecordCheckpointResponse(
        pointer=pointer_to_pb(recorded.pointer), receipt=receipt_to_pb(recorded.receipt)
    )


def resolved_to_pb(resolved: Resolved) -> assignment_pb2.ResolveContextResponse:
    """What the address means."""
    return assignment_pb2.ResolveContextResponse(
        pointer=pointer_to_pb(resolved.pointer),
        input=json_object(resolved.input),
        external_ref=resolved.pointer.external_ref,
    )


def pointers_to_pb(page: Page[ContextPointer]) -> assignment_pb2.ListContextPointersResponse:
    """A page of pointers."""
    made, token = page_to_pb(page, pointer_to_pb)
    return assignment_pb2.ListContextPointersResponse(
        pointers=made, next_page_token=token, total_size=page.total
    )

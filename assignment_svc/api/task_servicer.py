"""AssignmentService on the wire: translates, decides nothing."""

from dataclasses import asdict, dataclass
from typing import Any

from assignment_svc.api.convert_answers import (
    assigned_to_pb,
    authorized_to_pb,
    cancelled_to_pb,
    checkpoint_from_pb,
    completed_to_pb,
    declined_to_pb,
    explained_to_pb,
    failed_to_pb,
    failure_from_pb,
    pointers_to_pb,
    recorded_to_pb,
    resolved_to_pb,
    result_from_pb,
    resumed_to_pb,
    started_to_pb,
    submitted_to_pb,
    task_filter_from_pb,
    task_read_to_pb,
    tasks_to_pb,
)
from assignment_svc.api.convert_effect import action_from_pb
from assignment_svc.api.convert_task import briefing_to_pb, declaration_from_pb
from assignment_svc.domain.context import ContextPointer
from assignment_svc.domain.task import Task
from assignment_svc.usecases.actions.authorize_action import AuthorizeAction
from assignment_svc.usecases.assignment.explain_assignment import ExplainAssignment
from assignment_svc.usecases.steps.briefing import Briefing
from assignment_svc.usecases.tasks.assign_now import AssignNow
from assignment_svc.usecases.tasks.cancel_task import CancelTask
from assignment_svc.usecases.tasks.complete_task import CompleteTask
from assignment_svc.usecases.tasks.decline_task import DeclineTask
from assignment_svc.usecases.tasks.fail_task import FailTask
from assignment_svc.usecases.tasks.read_contexts import ListContextPointers, ResolveContext
from assignment_svc.usecases.tasks.read_tasks import GetTask, ListTasks
from assignment_svc.usecases.tasks.record_checkpoint import RecordCheckpoint
from assignment_svc.usecases.tasks.resume_tasks import Resumed, ResumeTasks
from assignment_svc.usecases.tasks.start_task import StartTask
from assignment_svc.usecases.tasks.submit_task import SubmitTask
from phoenix_dma.v1 import assignment_pb2, assignment_pb2_grpc
from phoenix_runtime.chassis.rpc.conversions import page_from_pb
from phoenix_runtime.chassis.rpc.handler import RpcHandler
from phoenix_runtime.core.pages import LARGEST_SIZE, Page, page_request
from phoenix_runtime.core.principal import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskVerbs:
    """The use cases behind the servicer."""

    submit: SubmitTask
    assign: AssignNow
    explain: ExplainAssignment
    get: GetTask
    list: ListTasks
    start: StartTask
    resume: ResumeTasks
    decline: DeclineTask
    authorize: AuthorizeAction
    complete: CompleteTask
    fail: FailTask
    cancel: CancelTask
    record: RecordCheckpoint
    resolve: ResolveContext
    pointers: ListContextPointers


class TaskServicer(assignment_pb2_grpc.AssignmentServiceServicer):
    """The fifteen RPCs of tasks, their bindings and the pointers to their contexts."""

    def __init__(self, handler: RpcHandler, verbs: TaskVerbs) -> None:
        self._handler = handler
        self._verbs = verbs

    async def SubmitTask(  # noqa: N802  # the schema's name
        self, request: assignment_pb2.SubmitTaskRequest, context: Any
    ) -> assignment_pb2.SubmitTaskResponse:
        """Creates a task."""
        declared = declaration_from_pb(request.task)
        return await self._handler.mutate(
            request, run=lambda call: self._verbs.submit(call, declared), answer=submitted_to_pb
        )

    async def AssignTask(  # noqa: N802  # the schema's name
        self, request: assignment_pb2.AssignTaskRequest, context: Any
    ) -> assignment_pb2.AssignTaskResponse:
        """Assigns a task now (Algorithm 3)."""
        declared = declaration_from_pb(request.task)
        return await self._handler.mutate(
            request, run=lambda call: self._verbs.assign(call, declared), answer=assigned_to_pb
        )

    async def GetTask(  # noqa: N802  # the schema's name
        self, request: assignment_pb2.GetTaskRequest, context: Any
    ) -> assignment_pb2.GetTaskResponse:
        """Reads one task."""
        return await self._handler.read(
            run=lambda call: self._verbs.get(call, request.task_id), answer=task_read_to_pb
        )

    async def ListTasks(  # noqa: N802  # the schema's name
        self, request: assignment_pb2.ListTasksRequest, context: Any
    ) -> assignment_pb2.ListTasksResponse:
        """Lists tasks."""
        wanted = task_filter_from_pb(request)

        async def run(call: Call) -> Page[Task]:
            page = page_from_pb(request, asdict(wanted))
            return await self._verbs.list(call, wanted, page)

        return await self._handler.read(run=run, answer=tasks_to_pb)

    async def StartTask(  # noqa: N802  # the schema's name
        self, request: assignment_pb2.StartTaskRequest, context: Any
    ) -> assignment_pb2.StartTaskResponse:
        """Begins work."""
        return await self._handler.mutate(
            request,
            run=lambda call: self._verbs.start(call, request.task_id, request.epoch),
            answer=started_to_pb,
        )

    async def ResumeTasks(  # noqa: N802  # the schema's name
        self, request: assignment_pb2.ResumeTasksRequest, context: Any
    ) -> assignment_pb2.ResumeTasksResponse:
        """Takes up a page of the caller's own tasks."""
        briefings: list[assignment_pb2.TaskBriefing] = []

        def weigh(briefing: Briefing) -> int:
            briefings.append(briefing_to_pb(briefing))  # converted once, to measure and to answer
            return briefings[-1].ByteSize()

        async def run(call: Call) -> Resumed:
            page = page_request(LARGEST_SIZE, request.page_token, ["resume", request.generation])
            return await self._verbs.resume(call, request.generation, page, weigh)

        return await self._handler.mutate(
            request, run=run, answer=lambda resumed: resumed_to_pb(resumed, briefings)
        )

    async def DeclineTask(  # noqa: N802  # the schema's name
        self, request: assignment_pb2.DeclineTaskRequest, context: Any
    ) -> assignment_pb2.DeclineTaskResponse:
        """Gives an assigned task back."""
        return await self._handler.mutate(
            request,
            run=lambda call: self._verbs.decline(
                call, request.task_id, request.epoch, reason=request.reason
            ),
            answer=declined_to_pb,
        )

    async def AuthorizeAction(  # noqa: N802  # the schema's name
        self, request: assignment_pb2.AuthorizeActionRequest, context: Any
    ) -> assignment_pb2.AuthorizeActionResponse:
        """Asks whether an action may be done now."""
        action = action_from_pb(request)
        return await self._handler.mutate(
            request, run=lambda call: self._verbs.authorize(call, action), answer=authorized_to_pb
        )

    async def CompleteTask(  # noqa: N802  # the schema's name
        self, request: assignment_pb2.CompleteTaskRequest, context: Any
    ) -> assignment_pb2.CompleteTaskResponse:
        """Ends a task with its result."""
        result = result_from_pb(request)
        return await self._handler.mutate(
            request, run=lambda call: self._verbs.complete(call, result), answer=completed_to_pb
        )

    async def FailTask(  # noqa: N802  # the schema's name
        self, request: assignment_pb2.FailTaskRequest, context: Any
    ) -> assignment_pb2.FailTaskResponse:
        """Gives up."""
        return await self._handler.mutate(
            request,
            run=lambda call: self._verbs.fail(
                call, request.task_id, request.epoch, failure_from_pb(request)
            ),
            answer=failed_to_pb,
        )

    async def CancelTask(  # noqa: N802  # the schema's name
        self, request: assignment_pb2.CancelTaskRequest, context: Any
    ) -> assignment_pb2.CancelTaskResponse:
        """Ends a task without a result."""
        return await self._handler.mutate(
            request,
            run=lambda call: self._verbs.cancel(call, request.task_id, reason=request.reason),
            answer=cancelled_to_pb,
        )

    async def ExplainAssignment(  # noqa: N802  # the schema's name
        self, request: assignment_pb2.ExplainAssignmentRequest, context: Any
    ) -> assignment_pb2.ExplainAssignmentResponse:
        """Shows who would get a task now."""
        declared = declaration_from_pb(request.task)
        return await self._handler.read(
            run=lambda call: self._verbs.explain(call, declared), answer=explained_to_pb
        )

    async def RecordCheckpoint(  # noqa: N802  # the schema's name
        self, request: assignment_pb2.RecordCheckpointRequest, context: Any
    ) -> assignment_pb2.RecordCheckpointResponse:
        """Makes a stored context the newest of its task."""
        checkpoint = checkpoint_from_pb(request)
        return await self._handler.mutate(
            request, run=lambda call: self._verbs.record(call, checkpoint), answer=recorded_to_pb
        )

    async def ResolveContext(  # noqa: N802  # the schema's name
        self, request: assignment_pb2.ResolveContextRequest, context: Any
    ) -> assignment_pb2.ResolveContextResponse:
        """Says what an address means."""
        return await self._handler.read(
            run=lambda call: self._verbs.resolve(
                call, request.task_id, version=request.version, offer_id=request.offer_id
            ),
            answer=resolved_to_pb,
        )

    async def ListContextPointers(  # noqa: N802  # the schema's name
        self, request: assignment_pb2.ListContextPointersRequest, context: Any
    ) -> assignment_pb2.ListContextPointersResponse:
        """Lists the recorded contexts of a task."""

        async def run(call: Call) -> Page[ContextPointer]:
            page = page_from_pb(request, request.task_id)
            return await self._verbs.pointers(call, request.task_id, page)

        return await self._handler.read(run=run, answer=pointers_to_pb)

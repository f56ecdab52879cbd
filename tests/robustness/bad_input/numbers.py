"""Whole numbers of 64 bits that no double carries, where a credential is genuine and a task held.

They come as far as the row that they are compared with, and into what is hashed and audited on the
way; JSON has no such numbers.
"""

from __future__ import annotations

from collections.abc import Iterator

from google.protobuf.message import Message

from phoenix_dma.v1 import assignment_pb2, session_pb2, state_pb2
from tests.robustness.bad_input.cases import AGENT, Refusal, Wire, names
from tests.robustness.bad_input.sessions import HOLDER
from tests.robustness.bad_input.tasks import ASSIGNMENT, HELD

FAR = (2**53 + 1, 2**63 - 1)
STALE = Refusal(reason="STALE_ASSIGNMENT")
OTHERS = Refusal(reason="NOT_PERMITTED")
NOBODY = Refusal(reason="RESOURCE_NOT_FOUND")


def epochs() -> Iterator[Wire]:
    """An epoch that the task will not come to."""
    pb = assignment_pb2
    for epoch in FAR:
        child = pb.TaskDeclaration(
            task_id="task.child",
            objective="Find duplicates",
            required_capabilities=["duplicate_detection"],
            parent_task_id=HELD,
            parent_epoch=epoch,
        )
        requests: list[Message] = [
            pb.StartTaskRequest(task_id=HELD, epoch=epoch),
            pb.DeclineTaskRequest(task_id=HELD, epoch=epoch),
            pb.AuthorizeActionRequest(
                task_id=HELD, epoch=epoch, kind=pb.ACTION_KIND_DATA_READ, name="read"
            ),
            pb.CompleteTaskRequest(task_id=HELD, epoch=epoch),
            pb.FailTaskRequest(task_id=HELD, epoch=epoch, message="no"),
            pb.SubmitTaskRequest(task=child),
        ]
        for request in requests:
            yield _call(ASSIGNMENT, request, epoch, STALE, "ABORTED")
        checkpoint = state_pb2.CheckpointContextRequest(task_id=HELD, epoch=epoch)
        checkpoint.context.fields["a"].bool_value = True  # a context of JSON, which names its epoch
        yield _call("StateService", checkpoint, epoch, names("epoch"), "INVALID_ARGUMENT")


def generations() -> Iterator[Wire]:
    """A generation that the participant will not come to."""
    for number in FAR:
        resume = assignment_pb2.ResumeTasksRequest(generation=number)
        yield _call(ASSIGNMENT, resume, number, OTHERS, "PERMISSION_DENIED")
        # Its holder has no lease.
        beat = session_pb2.HeartbeatRequest(participant_id=HOLDER, generation=number)
        yield _call("SessionService", beat, number, NOBODY, "NOT_FOUND")


def _call(service: str, request: Message, number: int, refusal: Refusal, code: str) -> Wire:
    method = type(request).__name__.removesuffix("Request")
    return Wire(
        name=f"{method} by {number}",
        rpc=f"{service}/{method}",
        request=request,
        refusal=refusal,
        code=code,
        who=AGENT,
    )


CASES: list[Wire] = [*epochs(), *generations()]

"""Everything that the holder of a task needs to work on: what it inherits belongs to the task."""

import json
from dataclasses import dataclass

from assignment_svc.domain.actions.effect import Effect
from assignment_svc.domain.approval import ApprovalUse
from assignment_svc.domain.context import ContextPointer
from assignment_svc.domain.ports import Unit
from assignment_svc.domain.task import Task
from phoenix_runtime.core.json import JsonObject

APPROVALS_BYTES = 256 << 10
"""What a briefing has of approvals at most."""
APPROVAL_BYTES = 768
"""An approval without its comment: ids, action and hash."""


@dataclass(frozen=True, slots=True)
class Briefing:
    """The task, its input, its newest context, what humans decided, its open children, its effects.

    ``context`` has version 0 where nothing has been checkpointed: then the input is the context.
    """

    task: Task
    input: JsonObject
    context: ContextPointer
    approvals: tuple[ApprovalUse, ...]
    open_children: tuple[str, ...]
    unknown_effects: tuple[Effect, ...] = ()


async def briefing_of(unit: Unit, task: Task) -> Briefing:
    """Read what belongs to ``task`` within its unit."""
    return Briefing(
        task=task,
        input=await read_document(unit, task.spec.input_hash),
        context=task.pointer or input_pointer(task),
        approvals=await approval_uses(unit, task.task_id),
        open_children=await unit.open_children(task.task_id),
        unknown_effects=await unit.unknown_effects(task),
    )


async def read_document(unit: Unit, content_hash: str) -> JsonObject:
    """The JSON object behind a hash."""
    document: JsonObject = json.loads(await unit.content(content_hash))
    return document


def input_pointer(task: Task) -> ContextPointer:
    """The submitted input as a context: version 0."""
    return ContextPointer(
        task_id=task.task_id,
        version=0,
        hash=task.spec.input_hash,
        size_bytes=0,
        participant_id=task.submitter_participant_id,
        epoch=0,
        recorded_at=task.submitted_at,
    )


async def approval_uses(unit: Unit, task_id: str) -> tuple[ApprovalUse, ...]:
    """What humans were asked about a task, and what their yes was used for.

    The newest that `APPROVALS_BYTES` hold, oldest first: each new content may be a new question.
    """
    approvals = await unit.approvals_of(task_id)
    if not approvals:
        return ()
    used = {one.approval_id: one.authorization_id for one in await unit.authorizations_of(task_id)}
    left = APPROVALS_BYTES
    shown: list[ApprovalUse] = []
    for one in reversed(approvals):
        left -= APPROVAL_BYTES + len(one.comment.encode())
        if left < 0:
            break
        shown.append(ApprovalUse(one, used.get(one.approval_id, "")))
    return tuple(reversed(shown))

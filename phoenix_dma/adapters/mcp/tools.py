"""The tools of the runtime's MCP server; each docstring is what a model reads before it calls one.

Every tool acts with the credential of the server's own profile: its tenant, its roles. What a
caller gives is looked up or recorded, and never fetched.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from mcp.server.mcpserver import Context
from pydantic import Field

from phoenix_dma.adapters.mcp.answers import (
    ApprovalAnswer,
    ApprovalsAnswer,
    CheckpointAnswer,
    ExplanationAnswer,
    TaskAnswer,
    TasksAnswer,
    approval_answer,
    checkpoint_answer,
    explanation_answer,
    task_answer,
)
from phoenix_dma.adapters.mcp.refusals import telling_refusals
from phoenix_dma.aio.client import AsyncPhoenixClient
from phoenix_dma.declare import TaskFields
from phoenix_dma.declare import task as declared
from phoenix_dma.errors import ContextHashMismatch, FieldInvalid
from phoenix_dma.v1 import assignment_pb2, state_pb2
from phoenix_dma.wire.canonical_json import content_hash
from phoenix_dma.wire.conversions import json_of

LONGEST_WAIT: Final = 60.0
"""Seconds that `status` waits at most: hosts give a call up after a while."""
MOST_LISTED: Final = 200

Runtime = Context[AsyncPhoenixClient, Any]
TaskId = Annotated[str, Field(description="The task's id.", min_length=1)]
Capabilities = Annotated[
    list[str], Field(description="Every capability that whoever works on it needs.")
]
Domains = Annotated[list[str], Field(description="Every data domain that it touches.")]
Risk = Literal["low", "medium", "high"]
TaskStatus = Literal[
    "pending",
    "assigned",
    "active",
    "awaiting_approval",
    "migrating",
    "succeeded",
    "failed",
    "cancelled",
]


@telling_refusals
async def submit(
    runtime: Runtime,
    objective: Annotated[str, Field(description="One sentence: what is wanted.", min_length=1)],
    required_capabilities: Capabilities,
    data_domains: Domains,
    risk_level: Annotated[Risk, Field(description="The risk of the work.")] = "low",
    policy_constraints: Annotated[
        list[str], Field(description="Constraints of policy, such as human_approval_required.")
    ] = [],
    input: Annotated[
        dict[str, Any] | None, Field(description="What the work needs, a JSON object.")
    ] = None,
    task_id: Annotated[
        str, Field(description="An id of your own, so that a repeated call makes no second task.")
    ] = "",
) -> TaskAnswer:
    """Submit a task to the governed runtime, which finds somebody for it.

    Answers at once with the task's id; `status` says how it gets on. Policy may refuse it, with the
    reason and what to do.
    """
    fields: TaskFields = {
        "objective": objective,
        "required_capabilities": required_capabilities,
        "data_domains": data_domains,
        "risk_level": risk_level,
        "policy_constraints": policy_constraints,
        "task_id": task_id,
    }
    if input is not None:
        fields["input"] = input
    return task_answer(await _client(runtime).api.submit(_declared(fields)))


@telling_refusals
async def status(
    runtime: Runtime,
    task_id: TaskId,
    wait_seconds: Annotated[
        float,
        Field(description="Wait so long for its end, if it has not ended.", ge=0, le=LONGEST_WAIT),
    ] = 0,
) -> TaskAnswer:
    """Say how a task gets on: who holds it, its result, why it failed, which human it waits for."""
    api = _client(runtime).api
    try:
        return task_answer(await api.wait_for(task_id, timeout=wait_seconds))
    except TimeoutError:  # no error: it goes on, and this is how it stands
        return task_answer(await api.get_task(task_id))


@telling_refusals
async def tasks(
    runtime: Runtime,
    statuses: Annotated[
        list[TaskStatus], Field(description="Only in these states; any where it is empty.")
    ] = [],
    limit: Annotated[int, Field(description="At most so many.", ge=1, le=MOST_LISTED)] = 20,
) -> TasksAnswer:
    """List the newest tasks of the tenant, newest first."""
    found = await _client(runtime).api.list_tasks(statuses=tuple(statuses), limit=limit)
    return TasksAnswer(tasks=[task_answer(one) for one in found])


@telling_refusals
async def explain(
    runtime: Runtime,
    task_id: Annotated[str, Field(description="A task that exists; or leave it out.")] = "",
    required_capabilities: Capabilities = [],
    data_domains: Domains = [],
    risk_level: Annotated[Risk, Field(description="The risk of the work.")] = "low",
    policy_constraints: Annotated[list[str], Field(description="Constraints of policy.")] = [],
) -> ExplanationAnswer:
    """Say who would get a task now and why not the others, term by term; changes nothing.

    Give the id of a task that exists, or what a task would need.
    """
    fields: TaskFields = {"task_id": task_id}
    if not task_id:
        fields = {
            "objective": "explain",
            "required_capabilities": required_capabilities,
            "data_domains": data_domains,
            "risk_level": risk_level,
            "policy_constraints": policy_constraints,
        }
    elif required_capabilities or data_domains or policy_constraints:
        raise FieldInvalid("task_id: a task that exists, or what one would need, but not both")
    return explanation_answer(await _client(runtime).api.explain(_declared(fields)))


@telling_refusals
async def checkpoint(
    runtime: Runtime,
    task_id: TaskId,
    kinds: Annotated[
        list[str],
        Field(description="Only these parts, such as outputs and decisions; empty for all."),
    ] = [],
) -> CheckpointAnswer:
    """Read the newest context that was checkpointed for a task: what is known so far, by whom.

    Its hash was compared with the recorded one. State that was recorded by reference is named, and
    not fetched.
    """
    api = _client(runtime).api
    request = state_pb2.GetContextRequest(context_ref=f"phoenix://context/{task_id}")
    found = await api.ask(api.stubs.state.GetContext, request)
    if not found.HasField("reference"):
        received = content_hash(json_of(found.context))
        if received != found.checkpoint.hash:
            facts = {"expected": found.checkpoint.hash, "received": received}
            raise ContextHashMismatch(f"What arrived of {task_id} is not what was recorded", facts)
    return checkpoint_answer(task_id, found, kinds)


@telling_refusals
async def approvals(
    runtime: Runtime,
    status: Annotated[
        Literal["pending", "approved", "rejected", "expired", "cancelled"],
        Field(description="In which state."),
    ] = "pending",
    task_id: Annotated[str, Field(description="Only about this task.")] = "",
    limit: Annotated[int, Field(description="At most so many.", ge=1, le=MOST_LISTED)] = 20,
) -> ApprovalsAnswer:
    """List what waits for a human, with the exact content and who is barred from deciding it."""
    found = await _client(runtime).api.list_approvals(
        statuses=(status,), task_id=task_id, limit=limit
    )
    return ApprovalsAnswer(approvals=[approval_answer(one) for one in found])


@telling_refusals
async def decide(
    runtime: Runtime,
    approval_id: Annotated[str, Field(description="The approval's id.", min_length=1)],
    approve: Annotated[bool, Field(description="true approves, false rejects.")],
    comment: Annotated[str, Field(description="Why, in the person's words.", min_length=1)],
    subject_hash: Annotated[
        str, Field(description="subject_hash of what the person was shown.", min_length=1)
    ],
) -> ApprovalAnswer:
    """Record what the person whose profile this is has decided about exactly this content.

    Ask the person first and show them the subject: never decide by yourself. Refused where the
    content is another one, where the profile has no role that decides, and for whoever asked,
    worked on the task, or owns who did.
    """
    found = await _client(runtime).api.decide(
        approval_id, approve=approve, comment=comment, subject_hash=subject_hash
    )
    return approval_answer(found)


def _client(runtime: Runtime) -> AsyncPhoenixClient:
    client: AsyncPhoenixClient = runtime.request_context.lifespan_context
    return client


def _declared(fields: TaskFields) -> assignment_pb2.TaskDeclaration:
    """The declaration; raises `FieldInvalid` for what JSON allows and the contract does not."""
    try:
        return declared(fields)
    except (TypeError, ValueError) as wrong:
        raise FieldInvalid(str(wrong)) from wrong

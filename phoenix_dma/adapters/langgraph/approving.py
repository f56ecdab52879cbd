"""Asks for an effect before it happens: in a node, and around every tool of a `ToolNode`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypedDict

from langchain_core.messages import ToolMessage
from langgraph.prebuilt.tool_node import ToolCallRequest
from langgraph.types import Command

from phoenix_dma.adapters.bound_task import bound_task, elsewhere
from phoenix_dma.briefing import Authorization
from phoenix_dma.effect import Effect
from phoenix_dma.errors import ApprovalRejected, PolicyDenied

ToolAnswer = ToolMessage | Command[Any] | list[ToolMessage | Command[Any]]
"""What a tool of a `ToolNode` answers."""
Wrapper = Callable[[ToolCallRequest, Callable[[ToolCallRequest], ToolAnswer]], ToolAnswer]
AsyncWrapper = Callable[
    [ToolCallRequest, Callable[[ToolCallRequest], Awaitable[ToolAnswer]]], Awaitable[ToolAnswer]
]


class ToolWrappers(TypedDict):
    """Arguments of a `ToolNode`, by their names there."""

    wrap_tool_call: Wrapper
    awrap_tool_call: AsyncWrapper


def approve(kind: str, name: str, *, subject: Mapping[str, Any], domain: str = "") -> Authorization:
    """Ask for permission to act, in a node, before the effect; waits for a human where policy asks.

    ``kind`` is tool_invocation, data_read, data_mutation or final_action, ``subject`` the content
    that would be changed, ``domain`` the data that it touches. The answer's ``id`` is the effect's
    idempotency key: a node that runs again, here or at the task's next owner, gets the same one for
    the same subject. Raises `PolicyDenied`, `ApprovalRejected` for a human's no, `AssignmentLost`
    where the task is lost, RuntimeError where no handler is running.
    """
    return bound_task().authorize(kind, name, domain=domain, subject=subject)


async def aapprove(
    kind: str, name: str, *, subject: Mapping[str, Any], domain: str = ""
) -> Authorization:
    """As `approve`, in an asynchronous node."""
    task = bound_task()
    return await elsewhere(lambda: task.authorize(kind, name, domain=domain, subject=subject))


def effect(
    kind: str,
    name: str,
    subject: Mapping[str, Any],
    *,
    domain: str = "",
    idempotent: bool = False,
) -> Effect:
    """Do something outside in a node, once, although the node may run again: see `Task.effect`.

    ``effect(…).once(do, look)`` does it unless it was done, by whoever held the task then, and
    answers what came of it. An asynchronous node in an asynchronous handler uses `AsyncTask.once`.
    Raises what `approve` raises, and `EffectUnknown` where nobody can look whether it was done.
    """
    return bound_task().effect(kind, name, subject, domain=domain, idempotent=idempotent)


def tool_guard(*, domain: str = "") -> ToolWrappers:
    """What has a `ToolNode` ask before each call of a tool: ``ToolNode(tools, **tool_guard())``.

    The action is tool_invocation under the tool's name, the subject are its arguments and the id of
    the call, ``domain`` the data that the tools touch; without one, all of the task's. A denied
    tool does not run: the model gets a message with the reason, of status error.
    """

    def wrap(
        request: ToolCallRequest, execute: Callable[[ToolCallRequest], ToolAnswer]
    ) -> ToolAnswer:
        try:
            _ask(request, domain)
        except PolicyDenied as denied:
            return _refusal(request, denied)
        return execute(request)

    async def awrap(
        request: ToolCallRequest, execute: Callable[[ToolCallRequest], Awaitable[ToolAnswer]]
    ) -> ToolAnswer:
        try:
            await elsewhere(_ask, request, domain)
        except PolicyDenied as denied:
            return _refusal(request, denied)
        return await execute(request)

    return {"wrap_tool_call": wrap, "awrap_tool_call": awrap}


def _ask(request: ToolCallRequest, domain: str) -> None:
    call = request.tool_call
    # With its id: a tool that is called twice alike is asked for twice.
    subject = {"tool": call["name"], "arguments": call["args"], "call": call["id"] or ""}
    bound_task().authorize("tool_invocation", call["name"], domain=domain, subject=subject)


def _refusal(request: ToolCallRequest, denied: PolicyDenied) -> ToolMessage:
    said = (
        denied.comment if isinstance(denied, ApprovalRejected) and denied.comment else denied.text
    )
    call = request.tool_call
    return ToolMessage(
        content=f"Not allowed, and not carried out: {said}",
        name=call["name"],
        tool_call_id=call["id"] or "",
        status="error",
    )

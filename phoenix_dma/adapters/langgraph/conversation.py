"""A graph's messages in the portable context, and what another framework's agent left there."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Final

from langchain_core.messages import (
    AnyMessage,
    BaseMessage,
    convert_to_messages,
    convert_to_openai_messages,
)

from phoenix_dma.adapters.bound_task import BoundTask, elsewhere
from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.context import Context
from phoenix_dma.portable import (
    Changes,
    Message,
    PortableContext,
    PrivateState,
    Reader,
    portable_of,
    unused,
    with_unused,
)
from phoenix_dma.portable.recorded import changed
from phoenix_dma.task import Task

FRAMEWORK: Final = "langgraph"
CONTENT: Final = frozenset({"text", "image_url", "input_audio", "file"})
"""Parts of a message that are kept. Others are a provider's own, a model's reasoning among them."""
READER: Final = Reader(FRAMEWORK, version(FRAMEWORK), frozenset({"messages"}), CONTENT)
ELSEWHERE: Final = PrivateState(FRAMEWORK, READER.version, f"framework_state.{FRAMEWORK}")
"""Tells whoever reads the portable context that there is a graph's state, and where."""
OUTSIDE_METADATA: Final = frozenset({"objective", "messages", "artifacts", "decisions"})


def conversation(values: Mapping[str, Any]) -> Changes:
    """The channel ``messages`` for other frameworks: ``PhoenixCheckpointer(…, portable=…)``.

    Raises ValueError where it holds no messages of LangChain's.
    """
    return {"messages": tuple(_message(one) for one in values.get("messages", ()))}


def inherited_messages(task: Task) -> list[AnyMessage]:
    """The messages that an agent of another framework left, for the graph's first input.

    What LangGraph has no place for is named in the context's ``decisions``, once. Empty where
    nobody has left any. Raises `NotPortable` where the context's messages have another form.
    """
    return _inherited(BoundTask(task))


async def ainherited_messages(task: Task | AsyncTask) -> list[AnyMessage]:
    """As `inherited_messages`, in an asynchronous handler."""
    return await elsewhere(_inherited, BoundTask(task))


def portable_kinds(context: Context, objective: str, changes: Changes) -> dict[str, Any]:
    """The kinds that record ``changes`` on top of ``context``, and that a graph's state is there.

    Metadata are left alone once they say so: somebody else may be changing them.
    """
    if not changes:
        return {}
    known = portable_of(context, objective) or PortableContext(objective)
    said = known.state_of(FRAMEWORK) == ELSEWHERE and changes.keys() <= OUTSIDE_METADATA
    made = changed(known, {**changes, "private": ELSEWHERE}).kinds(context)
    wanted = {*changes} if said else {*changes, "metadata"}
    return {kind: value for kind, value in made.items() if kind in wanted}


def _message(message: BaseMessage) -> Message:
    found: dict[str, Any] = convert_to_openai_messages(message)
    if isinstance(found["content"], list):
        found["content"] = [part for part in found["content"] if part.get("type") in CONTENT]
    return Message.from_json(found)


def _inherited(task: BoundTask) -> list[AnyMessage]:
    found = portable_of(task.context(), task.aio.objective)
    if found is None:
        return []
    decisions = with_unused(found.decisions, unused(found, READER), READER)
    if decisions != found.decisions:
        task.checkpoint(decisions=list(decisions))
    made: list[Any] = convert_to_messages([one.to_json() for one in found.messages])
    return made

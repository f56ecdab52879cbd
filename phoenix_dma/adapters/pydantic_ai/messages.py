"""Pydantic AI's messages as portable ones, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    RetryFeedbackPart,
    SystemPromptPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)

from phoenix_dma.portable import Message, ToolCall


def portable_messages(history: Iterable[ModelMessage]) -> tuple[Message, ...]:
    """Portable messages; a model's thinking is left out, and so are files, by their kind."""
    return tuple(message for found in history for message in _portable(found))


def _portable(found: ModelMessage) -> Iterator[Message]:
    if isinstance(found, ModelResponse):
        text = "".join(part.content for part in found.parts if isinstance(part, TextPart))
        calls = [part for part in found.parts if isinstance(part, ToolCallPart)]
        if text or calls:
            yield Message("assistant", text or None, tool_calls=tuple(map(_call, calls)))
        return
    for part in found.parts:
        if isinstance(part, SystemPromptPart):
            yield Message("system", part.content)
        elif isinstance(part, UserPromptPart):
            yield Message("user", _prompt(part.content))
        elif isinstance(part, RetryFeedbackPart):
            yield Message("user", part.model_response())
        elif isinstance(part, ToolReturnPart):
            text = part.model_response_str()
            yield Message("tool", text, name=part.tool_name, tool_call_id=part.tool_call_id)


def _call(part: ToolCallPart) -> ToolCall:
    return ToolCall(part.tool_call_id, part.tool_name, part.args_as_json_str())


def _prompt(content: str | Sequence[Any]) -> str | tuple[dict[str, Any], ...]:
    """A user's prompt; what is no text is named by its kind, so that it is known to be missing."""
    if isinstance(content, str):
        return content
    parts = []
    for one in content:
        text = one if isinstance(one, str) else getattr(one, "content", None)
        known = isinstance(text, str)
        parts.append({"type": "text", "text": text} if known else {"type": _kind(one)})
    return tuple(parts)


def _kind(content: Any) -> str:
    return str(getattr(content, "kind", type(content).__name__))


def history_of(messages: Iterable[Message]) -> list[ModelMessage]:
    """Portable messages as Pydantic AI's history; parts of content that are no text are left out.

    Requests that follow each other become one, as models want it.
    """
    history: list[ModelMessage] = []
    names: dict[str, str] = {}
    for message in messages:
        if message.role == "assistant":
            names |= {call.id: call.name for call in message.tool_calls}
            history.append(_response(message))
            continue
        part = _request_part(message, names)
        if history and isinstance(history[-1], ModelRequest):
            history[-1] = ModelRequest([*history[-1].parts, part])
        else:
            history.append(ModelRequest([part]))
    return history


def _response(message: Message) -> ModelResponse:
    text = [TextPart(message.text)] if message.text else []
    calls = [ToolCallPart(call.name, _arguments(call), call.id) for call in message.tool_calls]
    return ModelResponse([*text, *calls])


def _arguments(call: ToolCall) -> str:
    """The text as it is; what is no JSON would fail the model's own client, so it is quoted."""
    try:
        call.parsed()
    except ValueError:
        return json.dumps({"text": call.arguments})
    return call.arguments


def _request_part(
    message: Message, names: dict[str, str]
) -> SystemPromptPart | UserPromptPart | ToolReturnPart:
    if message.role == "system":
        return SystemPromptPart(message.text)
    if message.role == "user":
        return UserPromptPart(message.text)
    name = message.name or names.get(message.tool_call_id, "tool")
    return ToolReturnPart(name, message.text, message.tool_call_id)

"""AG2's events as portable messages, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ag2.events import (
    BaseEvent,
    DataInput,
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextInput,
    ToolCallEvent,
    ToolCallsEvent,
    ToolResult,
    ToolResultEvent,
    ToolResultsEvent,
)

from phoenix_dma.portable import Message, ToolCall
from phoenix_dma.wire.json_values import json_value


def portable_messages(events: Iterable[BaseEvent]) -> tuple[Message, ...]:
    """Portable messages; a model's reasoning and a provider's own tools are left out."""
    return tuple(message for event in events for message in _portable(event))


def _portable(event: BaseEvent) -> Iterator[Message]:
    if isinstance(event, ModelRequest):
        yield Message("user", _content(event.parts))
    elif isinstance(event, ModelResponse):
        calls = tuple(ToolCall(one.id, one.name, one.arguments) for one in event.tool_calls.calls)
        # What a tool said last is sent again as the model's word, without a call.
        if event.content or calls:
            yield Message("assistant", event.content, tool_calls=calls)
    elif isinstance(event, ToolResultsEvent):
        for result in event.results:
            content = _content(result.result.parts)
            yield Message("tool", content, name=result.name or "", tool_call_id=result.parent_id)


def _content(parts: Iterable[Any]) -> str | tuple[Mapping[str, Any], ...]:
    """Text, or parts of which those that are no text keep their type alone."""
    made = [_part(part) for part in parts]
    if all(part["type"] == "text" for part in made):
        return "\n".join(part["text"] for part in made)
    return tuple(made)


def _part(part: Any) -> dict[str, Any]:
    if isinstance(part, TextInput):
        return {"type": "text", "text": part.content}
    if isinstance(part, DataInput):
        data = json_value(part.data, "a tool's result")
        return {"type": "text", "text": json.dumps(data, ensure_ascii=False)}
    return {"type": type(part).__name__}


def events_of(messages: Iterable[Message]) -> list[BaseEvent]:
    """Portable messages as events; other content than text, and unanswered calls, are left out.

    AG2 keeps instructions with the agent, so that messages of the system are no events either.
    """
    found = tuple(messages)
    answered = {message.tool_call_id for message in found if message.role == "tool"}
    events: list[BaseEvent] = []
    for message in found:
        if message.role == "user":
            events.append(ModelRequest([TextInput(message.text)]))
        elif message.role == "assistant":
            events += _response(message, answered)
        elif message.role == "tool":
            _add_result(events, message)
    return events


def _response(message: Message, answered: set[str]) -> list[BaseEvent]:
    calls = [
        ToolCallEvent(call.name, id=call.id, arguments=call.arguments)
        for call in message.tool_calls
        if call.id in answered
    ]
    said = ModelMessage(message.text) if message.text else None
    if said is None and not calls:
        return []
    return [ModelResponse(said, tool_calls=ToolCallsEvent(calls))]


def _add_result(events: list[BaseEvent], message: Message) -> None:
    result = ToolResultEvent(
        parent_id=message.tool_call_id,
        name=message.name or None,
        result=ToolResult.ensure_result(message.text),
    )
    if events and isinstance(events[-1], ToolResultsEvent):
        events[-1] = ToolResultsEvent([*events[-1].results, result])
    else:
        events.append(ToolResultsEvent([result]))

"""Agent Framework's messages as portable ones, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from agent_framework import Content
from agent_framework import Message as FrameworkMessage

from phoenix_dma.portable import Message, ToolCall
from phoenix_dma.wire.json_values import json_value

PRIVATE: Final = frozenset({"text_reasoning", "usage"})
"""Contents that no portable message has a place for: reasoning, and what a call cost."""


def portable_messages(messages: Iterable[Any]) -> tuple[Message, ...]:
    """Portable messages; a model's reasoning is left out."""
    names: dict[str, str] = {}
    made: list[Message] = []
    for message in messages:
        for content in message.contents:
            if content.type == "function_call":
                names[content.call_id] = content.name
        made += _portable(message, names)
    return tuple(made)


def _portable(message: Any, names: Mapping[str, str]) -> Iterator[Message]:
    role = str(message.role)
    if role == "tool":
        for one in message.contents:
            if one.type == "function_result":
                name = names.get(one.call_id, "")
                yield Message("tool", _result(one), name=name, tool_call_id=one.call_id)
        return
    calls = tuple(_call(one) for one in message.contents if one.type == "function_call")
    content = _content(one for one in message.contents if one.type != "function_call")
    if role in {"system", "user", "assistant"} and (content or calls):
        yield Message(role, content or None, tool_calls=calls)  # type: ignore[arg-type, unused-ignore]


def _call(content: Any) -> ToolCall:
    if isinstance(content.arguments, str):
        return ToolCall(content.call_id, content.name, content.arguments)
    return ToolCall.of(content.call_id, content.name, content.arguments or {})


def _result(content: Any) -> str:
    """A tool's result as text: its items' text, or what it is as JSON."""
    texts = [one.text for one in content.items or () if one.type == "text"]
    if texts:
        return "".join(texts)
    if isinstance(content.result, str):
        return content.result
    return json.dumps(json_value(content.result, "a tool's result"), ensure_ascii=False)


def _content(contents: Iterable[Any]) -> str | tuple[dict[str, Any], ...]:
    """Text, or parts of which those that are no text keep their type alone."""
    parts = [
        {"type": "text", "text": one.text or ""} if one.type == "text" else {"type": one.type}
        for one in contents
        if one.type not in PRIVATE
    ]
    if all(part["type"] == "text" for part in parts):
        return "".join(part["text"] for part in parts)
    return tuple(parts)


def messages_of(messages: Iterable[Message]) -> list[Any]:
    """Portable messages as the framework's; other content than text, and unanswered calls, are not.

    A model is not sent a call without its answer: it asks for the tool again.
    """
    found = tuple(messages)
    answered = {message.tool_call_id for message in found if message.role == "tool"}
    made = []
    for message in found:
        contents = list(_contents(message, answered))
        if contents:
            made.append(FrameworkMessage(message.role, contents))
    return made


def _contents(message: Message, answered: set[str]) -> Iterator[Any]:
    if message.role == "tool":
        yield Content.from_function_result(message.tool_call_id, result=message.text)
        return
    if message.text:
        yield Content.from_text(message.text)
    for call in message.tool_calls:
        if call.id in answered:
            yield Content.from_function_call(call.id, call.name, arguments=call.arguments)

"""The Agents SDK's input items as portable messages, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from phoenix_dma.portable import Message, ToolCall

ROLES: Final = {"user": "user", "assistant": "assistant", "system": "system", "developer": "system"}
TEXTS: Final = frozenset({"input_text", "output_text", "text"})


def portable_messages(items: Iterable[Any]) -> tuple[Message, ...]:
    """Portable messages; reasoning and what a provider's own tools did are left out.

    What an assistant says and the tools that it then calls are one message.
    """
    messages: list[Message] = []
    names: dict[str, str] = {}
    for item in items:
        kind = item.get("type", "message")
        if kind == "message" and item.get("role") in ROLES:
            messages.append(Message(ROLES[item["role"]], _content(item["content"])))  # type: ignore[arg-type, unused-ignore]
        elif kind == "function_call":
            names[item["call_id"]] = item["name"]
            _add_call(messages, ToolCall(item["call_id"], item["name"], item["arguments"]))
        elif kind == "function_call_output":
            call = item["call_id"]
            name, output = names.get(call, ""), _content(item["output"])
            messages.append(Message("tool", output, name=name, tool_call_id=call))
    return tuple(messages)


def _add_call(messages: list[Message], call: ToolCall) -> None:
    if messages and messages[-1].role == "assistant":
        messages[-1] = replace(messages[-1], tool_calls=(*messages[-1].tool_calls, call))
    else:
        messages.append(Message("assistant", None, tool_calls=(call,)))


def _content(content: Any) -> str | tuple[Mapping[str, Any], ...]:
    """Text, or parts of which those that are no text keep their type alone."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return str(content)
    parts = [
        {"type": "text", "text": part["text"]}
        if part.get("type") in TEXTS
        else {"type": str(part.get("type"))}
        for part in content
    ]
    if all(part["type"] == "text" for part in parts):
        return "".join(part["text"] for part in parts)
    return tuple(parts)


def items_of(messages: Iterable[Message]) -> list[Any]:
    """Portable messages as input items; parts that are no text, and unanswered calls, are left out.

    A model is not sent a call without its answer: it asks for the tool again.
    """
    found = tuple(messages)
    answered = {message.tool_call_id for message in found if message.role == "tool"}
    items: list[dict[str, Any]] = []
    for message in found:
        if message.role == "tool":
            output = {"call_id": message.tool_call_id, "output": message.text}
            items.append({"type": "function_call_output", **output})
            continue
        if message.text:
            items.append({"role": message.role, "content": message.text})
        items += [_call(call) for call in message.tool_calls if call.id in answered]
    return items


def _call(call: ToolCall) -> dict[str, Any]:
    named = {"name": call.name, "arguments": call.arguments}
    return {"type": "function_call", "call_id": call.id, **named}

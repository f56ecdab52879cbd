"""The kit's contents as portable messages, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from google.genai import types

from phoenix_dma.portable import Message, ToolCall
from phoenix_dma.wire.json_values import json_value


class _Calls:
    """Ids of calls: the kit takes its own out of what it sends a model, so answers go by name."""

    def __init__(self) -> None:
        self._count = 0
        self._open: list[tuple[str, str]] = []

    def asked(self, name: str) -> str:
        """The id of a new call."""
        self._count += 1
        made = f"call-{self._count}"
        self._open.append((name, made))
        return made

    def answered(self, name: str) -> str:
        """The id of the oldest call of that tool that has no answer yet."""
        found = next((one for one in self._open if one[0] == name), None)
        if found is None:
            return self.asked(name)
        self._open.remove(found)
        return found[1]


def portable_messages(contents: Iterable[types.Content]) -> tuple[Message, ...]:
    """Portable messages; a model's thoughts are left out."""
    calls = _Calls()
    return tuple(message for content in contents for message in _portable(content, calls))


def _portable(content: types.Content, calls: _Calls) -> Iterator[Message]:
    parts = [part for part in content.parts or () if not part.thought]
    asked = tuple(
        ToolCall.of(calls.asked(call.name or ""), call.name or "", call.args or {})
        for call in (part.function_call for part in parts)
        if call is not None
    )
    for answer in (part.function_response for part in parts):
        if answer is not None:
            name = answer.name or ""
            call = calls.answered(name)
            yield Message("tool", _text(answer.response or {}), name=name, tool_call_id=call)
    said = _content(part for part in parts if not (part.function_call or part.function_response))
    if said or asked:
        role = "assistant" if content.role == "model" else "user"
        yield Message(role, said or None, tool_calls=asked)  # type: ignore[arg-type, unused-ignore]


def _text(response: Mapping[str, Any]) -> str:
    """A tool's response: what it returned as text, where it is that alone, else as JSON."""
    result = response.get("result")
    if len(response) == 1 and isinstance(result, str):
        return result
    return json.dumps(json_value(response, "a tool's response"), ensure_ascii=False)


def _content(parts: Iterable[types.Part]) -> str | tuple[dict[str, Any], ...]:
    """Text, or parts of which those that are no text keep their kind alone."""
    made = [
        {"type": "text", "text": part.text} if part.text is not None else {"type": _kind(part)}
        for part in parts
    ]
    if all(part["type"] == "text" for part in made):
        return "".join(part["text"] for part in made)
    return tuple(made)


def _kind(part: types.Part) -> str:
    return next(iter(part.model_dump(exclude_none=True)), "part")


def contents_of(messages: Iterable[Message]) -> list[types.Content]:
    """Portable messages as contents; other content than text, and unanswered calls, are left out.

    The kit keeps instructions with the agent, so that messages of the system are none either.
    """
    found = tuple(messages)
    answered = {message.tool_call_id for message in found if message.role == "tool"}
    names = {call.id: call.name for message in found for call in message.tool_calls}
    contents: list[types.Content] = []
    for message in found:
        parts = list(_parts(message, answered, names))
        role = "model" if message.role == "assistant" else "user"
        joined = message.role == "tool" and contents and _answers(contents[-1])
        if joined:
            contents[-1].parts = [*(contents[-1].parts or ()), *parts]
        elif parts:
            contents.append(types.Content(role=role, parts=parts))
    return contents


def _answers(content: types.Content) -> bool:
    return all(part.function_response for part in content.parts or ())


def _parts(message: Message, answered: set[str], names: Mapping[str, str]) -> Iterator[types.Part]:
    if message.role == "system":
        return
    if message.role == "tool":
        name = message.name or names.get(message.tool_call_id, "tool")
        yield types.Part.from_function_response(name=name, response={"result": message.text})
        return
    if message.text:
        yield types.Part(text=message.text)
    for call in message.tool_calls:
        if call.id in answered:
            yield types.Part.from_function_call(name=call.name, args=_arguments(call))


def _arguments(call: ToolCall) -> dict[str, Any]:
    try:
        return call.parsed()
    except ValueError:
        return {"text": call.arguments}

"""Messages of a portable context: OpenAI's chat form, which LangChain converts from and to."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from phoenix_dma.errors import Violation
from phoenix_dma.portable.schema import NotPortable
from phoenix_dma.wire.json_values import json_value

Role: TypeAlias = Literal["system", "user", "assistant", "tool"]
Content: TypeAlias = str | tuple[Mapping[str, Any], ...] | None
PRIVATE: Final = re.compile(
    r"<\s*(think|thinking|thoughts?|scratchpad|reasoning)\s*>.*?(</\s*\1\s*>|\Z)\s*",
    re.IGNORECASE | re.DOTALL,
)
"""A model's private reasoning as it stands in texts; no context holds it (paper, section 10)."""
REASONING_ITEM: Final = re.compile(r'"type"\s*:\s*"(reasoning|thinking|redacted_thinking)[^"]*"')
"""A block of it in a framework's serialised state."""


def holds_reasoning(state: str) -> bool:
    """Whether a framework's state, as JSON, holds a model's private reasoning."""
    return bool(PRIVATE.search(state) or REASONING_ITEM.search(state))


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that an assistant asked for; ``arguments`` is a JSON object as text.

    It is the model's own text, so that what is no JSON object is kept as it is.
    """

    id: str
    name: str
    arguments: str = "{}"

    @classmethod
    def of(cls, call_id: str, name: str, arguments: Mapping[str, Any]) -> ToolCall:
        """From arguments that were parsed; raises `NotJson`."""
        plain = json_value(arguments, f"{name}.arguments")
        return cls(call_id, name, json.dumps(plain, ensure_ascii=False))

    def parsed(self) -> dict[str, Any]:
        """The arguments as an object; raises ValueError where they are none."""
        found = json.loads(self.arguments or "{}")
        if not isinstance(found, dict):
            what = f"are a {type(found).__name__}, not an object"
            raise NotPortable((Violation(f"the arguments of {self.name}", what),))
        return found

    def to_json(self) -> dict[str, Any]:
        """In OpenAI's form."""
        function = {"name": self.name, "arguments": self.arguments}
        return {"id": self.id, "type": "function", "function": function}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> ToolCall:
        """From a document that was validated."""
        return cls(found["id"], found["function"]["name"], found["function"]["arguments"])


@dataclass(frozen=True, slots=True)
class Message:
    """One message; ``tool_calls`` are an assistant's, ``tool_call_id`` is that of a tool's answer.

    ``content`` is text, or parts in OpenAI's form (``{"type": "text", "text": …}``), or None.
    """

    role: Role
    content: Content = None
    name: str = ""
    tool_calls: tuple[ToolCall, ...] = field(default=())
    tool_call_id: str = ""

    @property
    def text(self) -> str:
        """The text of the content; parts that are no text are left out."""
        if isinstance(self.content, str):
            return self.content
        parts = self.content or ()
        return "".join(part["text"] for part in parts if _is_text(part))

    def other_parts(self) -> list[tuple[int, str]]:
        """Index and type of each part of the content that is no text."""
        if self.content is None or isinstance(self.content, str):
            return []
        return [(n, part["type"]) for n, part in enumerate(self.content) if not _is_text(part)]

    def to_json(self) -> dict[str, Any]:
        """In OpenAI's form, without private reasoning in tags; raises `NotJson`."""
        made: dict[str, Any] = {"role": self.role, "content": _content(self.content)}
        if self.name:
            made["name"] = self.name
        if self.tool_calls:
            made["tool_calls"] = [call.to_json() for call in self.tool_calls]
        if self.tool_call_id:
            made["tool_call_id"] = self.tool_call_id
        return made

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Message:
        """From a document that was validated."""
        content = found["content"]
        return cls(
            role=found["role"],
            content=tuple(content) if isinstance(content, list) else content,
            name=found.get("name", ""),
            tool_calls=tuple(map(ToolCall.from_json, found.get("tool_calls", ()))),
            tool_call_id=found.get("tool_call_id", ""),
        )


def _is_text(part: Mapping[str, Any]) -> bool:
    return part.get("type") == "text" and isinstance(part.get("text"), str)


def _content(content: Content) -> Any:
    if content is None:
        return None
    if isinstance(content, str):
        return PRIVATE.sub("", content)
    parts = [json_value(part, "content") for part in content]
    return [{**p, "text": PRIVATE.sub("", p["text"])} if _is_text(p) else p for p in parts]

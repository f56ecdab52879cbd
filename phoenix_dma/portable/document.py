"""A portable context as plain values, and the context document that holds it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from phoenix_dma.context import Context
from phoenix_dma.portable.messages import Message
from phoenix_dma.portable.schema import validate
from phoenix_dma.wire.json_values import json_value

VERSION: Final = 1
"""Of the schema; a document of another version is refused by its path."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """What was made: ``content`` as JSON or text, or ``ref`` and ``hash`` of what is stored."""

    name: str
    media_type: str = ""
    content: Any = None
    ref: str = ""
    hash: str = ""
    author: str = ""

    def to_json(self) -> dict[str, Any]:
        """As the schema has it; raises `NotJson`."""
        made: dict[str, Any] = {"name": self.name}
        if self.content is not None:
            made["content"] = json_value(self.content, f"artifact {self.name}")
        texts = {"media_type": self.media_type, "ref": self.ref}
        texts |= {"hash": self.hash, "author": self.author}
        return made | {key: text for key, text in texts.items() if text}


@dataclass(frozen=True, slots=True)
class Plan:
    """What is planned; ``position`` is how many steps are done."""

    steps: tuple[str, ...]
    position: int = 0

    def to_json(self) -> dict[str, Any]:
        """As the schema has it."""
        return {"steps": list(self.steps), "position": self.position}


@dataclass(frozen=True, slots=True)
class PrivateState:
    """State that ``framework`` alone can read, as it serialised it in ``version``."""

    framework: str
    version: str
    state: str

    def to_json(self) -> dict[str, str]:
        """As the schema has it."""
        return {"framework": self.framework, "version": self.version, "state": self.state}


@dataclass(frozen=True, slots=True)
class PortableContext:
    """What an agent of one framework leaves so that an agent of another can go on."""

    objective: str
    messages: tuple[Message, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    decisions: tuple[Any, ...] = ()
    open_questions: tuple[str, ...] = ()
    plan: Plan | None = None
    private: tuple[PrivateState, ...] = field(default=())

    def state_of(self, framework: str) -> PrivateState | None:
        """The private state of a framework; None where it has left none."""
        return next((one for one in self.private if one.framework == framework), None)

    def kinds(self, context: Context) -> dict[str, Any]:
        """The kinds of a context document that hold this, on top of ``context``.

        What ``context`` has in its metadata for others stays. Raises `NotPortable`, `NotJson`.
        """
        beside = context.get("metadata", {}) if context.version > 0 else {}
        made = {
            "objective": self.objective,
            "messages": [message.to_json() for message in self.messages],
            "artifacts": [artifact.to_json() for artifact in self.artifacts],
            "decisions": json_value(self.decisions, "decisions"),
            "metadata": {**beside, "portable": self._without_a_kind()},
        }
        validate(made)
        return made

    def _without_a_kind(self) -> dict[str, Any]:
        made: dict[str, Any] = {"version": VERSION, "open_questions": list(self.open_questions)}
        if self.plan is not None:
            made["plan"] = self.plan.to_json()
        return {**made, "private": [state.to_json() for state in self.private]}


def portable_of(context: Context, objective: str = "") -> PortableContext | None:
    """The portable context in a task's context; None where nobody has recorded one.

    ``objective`` stands in for a document without one. Raises `NotPortable`.
    """
    metadata = context.get("metadata")
    if context.version == 0 or not isinstance(metadata, dict) or "portable" not in metadata:
        return None
    validate({"objective": objective, **context})
    beside = metadata["portable"]
    plan = beside.get("plan")
    return PortableContext(
        objective=context.get("objective", objective),
        messages=tuple(map(Message.from_json, context.get("messages", ()))),
        artifacts=tuple(Artifact(**found) for found in context.get("artifacts", ())),
        decisions=tuple(context.get("decisions", ())),
        open_questions=tuple(beside.get("open_questions", ())),
        plan=None if plan is None else Plan(tuple(plan["steps"]), plan["position"]),
        private=tuple(PrivateState(**found) for found in beside.get("private", ())),
    )

"""Reads a task's portable context, and records changes of it by a checkpoint under its epoch."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from phoenix_dma.portable.document import (
    Artifact,
    Plan,
    PortableContext,
    PrivateState,
    portable_of,
)

if TYPE_CHECKING:
    from phoenix_dma.aio.task import AsyncTask
    from phoenix_dma.briefing import Checkpoint
    from phoenix_dma.context import Context
    from phoenix_dma.portable.messages import Message
    from phoenix_dma.task import Task


class Changes(TypedDict, total=False):
    """What `record` may change; what is not named stays as the newest context has it.

    ``private`` takes the place of the state of the same framework; others' stays.
    """

    objective: str
    messages: tuple[Message, ...]
    artifacts: tuple[Artifact, ...]
    decisions: tuple[Any, ...]
    open_questions: tuple[str, ...]
    plan: Plan | None
    private: PrivateState


def read(task: Task) -> PortableContext | None:
    """The portable context of a task; None before anybody recorded one. Raises `NotPortable`."""
    return portable_of(task.context(), task.objective)


async def aread(task: AsyncTask) -> PortableContext | None:
    """As `read`, for an asynchronous handler."""
    return portable_of(await task.context(), task.objective)


def record(task: Task, **changes: Unpack[Changes]) -> Checkpoint:
    """Checkpoint the portable context with ``changes``, beside whatever else the context holds.

    Raises `NotPortable` and `NotJson` before anything is sent, then as `Task.checkpoint` does.
    """
    return task.checkpoint(**_kinds(task.context(), task.objective, changes))


async def arecord(task: AsyncTask, **changes: Unpack[Changes]) -> Checkpoint:
    """As `record`, for an asynchronous handler."""
    return await task.checkpoint(**_kinds(await task.context(), task.objective, changes))


def _kinds(context: Context, objective: str, changes: Changes) -> dict[str, Any]:
    """The kinds to checkpoint: those that change, and the metadata that say what they are.

    Others stay as they are: `Task.fulfil` adds decisions meanwhile, and a handler has its own.
    """
    known = portable_of(context, objective) or PortableContext(objective)
    kinds = changed(known, changes).kinds(context)
    return {kind: made for kind, made in kinds.items() if kind in {*changes, "metadata"}}


def changed(portable: PortableContext, changes: Changes) -> PortableContext:
    """``portable`` with ``changes``."""
    rest: dict[str, Any] = {**changes}
    state = rest.pop("private", None)
    if state is None:
        return replace(portable, **rest)
    others = tuple(one for one in portable.private if one.framework != state.framework)
    return replace(portable, **rest, private=(*others, state))

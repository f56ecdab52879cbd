"""What a handler's exception says of its attempt: a text that can be sent, and what may follow."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final

from phoenix_dma.errors import (
    EffectHappened,
    FieldInvalid,
    InvalidInput,
    PolicyDenied,
    TaskFailure,
    TooLarge,
)
from phoenix_dma.wire.json_values import NotJson
from phoenix_dma.wire.reported_text import LONGEST_REASON, reported

FINAL: Final = (PolicyDenied, FieldInvalid, TooLarge, NotJson, EffectHappened)
"""Another attempt would end the same, after the same side effects."""
NOTES: Final[dict[type[BaseException], str]] = {
    SystemExit: "sys.exit() in a handler ends its task, not the process",
    KeyboardInterrupt: "raised in the handler; the process goes on",
    GeneratorExit: "raised in the handler",
    asyncio.CancelledError: "the handler was cancelled from inside the program, not by the runtime",
}


def unwrapped(error: BaseException) -> BaseException:
    """The one exception in a group of one, as a TaskGroup raises it; else ``error`` itself."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def is_retryable(error: BaseException) -> bool:
    """Whether another attempt, perhaps elsewhere, may succeed: yes unless something says no."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_retryable(one) for one in error.exceptions)
    if isinstance(error, TaskFailure):
        return bool(error.retryable)
    return not isinstance(error, FINAL)


def is_input_at_fault(error: BaseException) -> bool:
    """Whether the handler said that its input is at fault, so that nobody answers for it."""
    return isinstance(error, InvalidInput)


def message_of(error: BaseException) -> str:
    """What ``error`` says, never empty, as it can be sent."""
    return reported("; ".join(_said(error)), LONGEST_REASON)


def plain_message_of(error: BaseException, why: str) -> str:
    """The type alone, in printable ASCII: what to report where `message_of` was refused."""
    name = type(error).__name__.encode("ascii", "backslashreplace").decode()
    return f"{name[:200]} (its text was refused: {why})"


def _said(error: BaseException) -> Iterator[str]:
    """The text of ``error``, then those of what it groups."""
    text = said_by(error)
    if isinstance(error, TaskFailure) and text:
        yield text
        return
    note = NOTES.get(type(error), "")
    parts = [type(error).__name__, text, note]
    if not text and not note:
        parts.append(_place(error.__traceback__))
    yield ": ".join(part for part in parts if part)
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _said(one)


def said_by(error: BaseException) -> str:
    """``str(error)``, which a program may have broken."""
    try:
        return str(error)
    except BaseException as broken:  # noqa: BLE001  # a program's own __str__ may raise anything
        return f"its text cannot be shown, since __str__ raised {type(broken).__name__}"


def _place(traceback: TracebackType | None) -> str:
    """Where an exception without a text was raised."""
    if traceback is None:
        return ""
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    name = Path(traceback.tb_frame.f_code.co_filename).name
    return f"raised in {name}, line {traceback.tb_lineno}"

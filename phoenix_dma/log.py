"""Log events of the SDK, and the lines that a participant's program says to whoever started it.

An event is a snake_case name with its object first, then facts: ``lease_lost participant=agent.a
loss=silence``. Facts may have been stored by somebody else, so what has no glyph is spelled out;
the same goes for a traceback, which is part of the event's text. A formatter for programs finds
name and facts in the record's ``event`` and ``facts``.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from typing import Any, Final

from phoenix_dma.wire.visible import visible, visible_json

SDK: Final = "phoenix_dma"
"""The logger above those of all modules."""
STACK_LEVEL: Final = 3

_BARE: Final = re.compile(r"[^\s=\"]+")


class EventLog:
    """Logs events under the name of a module."""

    def __init__(self, module: str) -> None:
        self._logger = logging.getLogger(module)

    def info(self, event: str, **facts: object) -> None:
        """What happens as a matter of course."""
        self._write(logging.INFO, event, facts)

    def warning(self, event: str, **facts: object) -> None:
        """What somebody should look at."""
        self._write(logging.WARNING, event, facts)

    def error(self, event: str, *, stack: str = "", **facts: object) -> None:
        """What went wrong for good; ``stack`` says where, line by line."""
        self._write(logging.ERROR, event, facts, stack)

    def exception(self, event: str, **facts: object) -> None:
        """What went wrong for good, with the traceback of the exception that is being handled."""
        self._write(logging.ERROR, event, facts, traceback.format_exc())

    def failure(self, event: str, raised: BaseException, **facts: object) -> None:
        """What went wrong for good, with the traceback of ``raised``."""
        told = "".join(traceback.format_exception(raised))
        self._write(logging.ERROR, event, facts, told)

    def _write(self, level: int, event: str, facts: dict[str, object], stack: str = "") -> None:
        if not self._logger.isEnabledFor(level):
            return
        text = " ".join([event, *(f"{name}={_value(fact)}" for name, fact in facts.items())])
        if stack:
            text = f"{text}\n{visible(stack.rstrip(), lines=True)}"
        extra: dict[str, Any] = {"event": event, "facts": facts}
        self._logger.log(level, "%s", text, extra=extra, stacklevel=STACK_LEVEL)


class Announcements:
    """Sentences for whoever started a participant's program."""

    def __init__(self) -> None:
        self.always = False
        """True in a program that is known to talk to a terminal, such as ``phoenix-dma run``."""

    def say(self, text: str) -> bool:
        """Write a line to standard error, unless the program has its own logs to read instead.

        Return whether it was written.
        """
        if not self.always and logging.getLogger(SDK).hasHandlers():
            return False
        sys.stderr.write(f"{visible(text)}\n")
        sys.stderr.flush()
        return True


announcements: Final = Announcements()


def configure_text_log(level: int) -> None:
    """Write the logs of this process to standard error, one safe text each."""
    logging.basicConfig(level=level)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(_VisibleFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))


class _VisibleFormatter(logging.Formatter):
    """The records of other libraries, too, may hold what somebody stored."""

    def format(self, record: logging.LogRecord) -> str:
        return visible(super().format(record), lines=True)


def _text(fact: object) -> str:
    try:
        return str(fact)
    except Exception:  # noqa: BLE001  # an exception of a handler may raise when it is asked
        return f"<{type(fact).__name__}>"


def _value(fact: object) -> str:
    """A fact as one word, quoted as JSON where it is none by itself."""
    text = ",".join(map(_text, fact)) if isinstance(fact, list | tuple) else _text(fact)
    if _BARE.fullmatch(text):
        return visible(text)
    return visible_json(json.dumps(text, ensure_ascii=False))

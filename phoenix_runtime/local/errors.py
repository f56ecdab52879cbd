"""The base of all errors of a local runtime; each text is for the person who started it."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

COMMAND_LINE: Final = "COMMAND_LINE"
"""The reason of what was asked for wrongly; the commands end with another exit code for it."""
FOLDER_ERRORS: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})
"""Errors of a file system that name no file."""
NO_HOST: Final = "a URL without a host"


class LocalRuntimeError(RuntimeError):
    """The runtime could not start, or could not go on.

    ``reason`` is for programs, one for each remedy (docs/cli.md lists them). ``text`` says what is
    wrong, ``facts`` are its variable parts, ``remedy`` says what to do; the error as a text is the
    text, and the remedy where it is this very error's.
    """

    reason: str = "RUNTIME_FAILED"
    remedy: str = "Mend that, then start it again; `phoenix-dma doctor` says what else is wrong."

    def __init__(
        self, text: str, facts: Mapping[str, object] | None = None, *, remedy: str = ""
    ) -> None:
        """Take the text; ``remedy`` where the class's own does not say enough."""
        super().__init__(f"{text}. What to do: {remedy}" if remedy else text)
        self.text = text
        self.facts = {name: str(fact) for name, fact in (facts or {}).items()}
        self.remedy = remedy or type(self).remedy


class ServerIncomplete(LocalRuntimeError):
    """A program that the server brings is missing, or none is made for this machine."""

    reason = "SERVER_MISSING"


def host_of(url: str) -> str:
    """Return host and port of a URL for an error text, without its login."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2] or NO_HOST
    except ValueError:
        return NO_HOST

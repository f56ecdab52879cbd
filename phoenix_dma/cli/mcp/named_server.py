"""The MCP server and the capabilities that a command line names."""

from __future__ import annotations

import os
from collections.abc import Sequence

from phoenix_dma.cli.output import bad

NamedServer = Sequence[str] | str
"""A command with its arguments, or a URL."""


def given_server(command: Sequence[str], url: str) -> NamedServer:
    """The one that is named; ends the command where there is none, or both."""
    if bool(command) == bool(url):
        raise bad("name the command of the server, after --, or its --url", "COMMAND")
    if url and not url.startswith(("http://", "https://")):
        raise bad(f"{url} is no URL of http or https", "--url")
    return url or list(command)


def given_capabilities(pairs: Sequence[str]) -> dict[str, str] | None:
    """TOOL=CAPABILITY as a mapping; None where none is given, so that all tools are offered."""
    found: dict[str, str] = {}
    for pair in pairs:
        tool, sign, capability = pair.partition("=")
        if not (tool and sign and capability):
            raise bad(f"{pair!r} is not TOOL=CAPABILITY", "--capability")
        if tool in found:
            raise bad(f"{tool} is named twice", "--capability")
        found[tool] = capability
    return found or None


def inherited() -> dict[str, str]:
    """The environment of a server that is started here: without anything of the runtime's.

    A server acts for whoever calls its tools, and has no business with the credentials by which its
    participant takes part.
    """
    return {
        name: value for name, value in os.environ.items() if not name.startswith("PHOENIX_DMA_")
    }

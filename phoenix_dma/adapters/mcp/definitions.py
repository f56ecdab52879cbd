"""Tools of an MCP server: their definitions, and what they are called in the runtime."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import mcp
from mcp.types import PaginatedRequestParams, Tool

from phoenix_dma.wire.canonical_json import content_hash

MOST_TOOLS: Final = 64
"""What a participant may claim; so many capabilities."""
MOST_PAGES: Final = 100
"""A server that lists without end is not waited for."""
CAPABILITY: Final = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
FOREIGN: Final = re.compile(r"[^a-z0-9_.:/-]", re.ASCII)


async def tools_of(client: mcp.Client | mcp.ClientSession) -> dict[str, Tool]:
    """The tools of a server by name, as it lists them now; ValueError for an endless list."""
    session = client.session if isinstance(client, mcp.Client) else client
    found: dict[str, Tool] = {}
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        page = await session.list_tools(params=PaginatedRequestParams(cursor=cursor))
        found.update({tool.name: tool for tool in page.tools})
        cursor = page.next_cursor
        if not cursor:
            return found
    raise ValueError(f"the server lists more than {MOST_PAGES} pages of tools")


def definition_hash(tool: Tool) -> str:
    """The hash of what a model is told of a tool: its name, description and input schema.

    A server that changes one of them has another tool; whoever vouched for the first one did not
    vouch for that.
    """
    told: dict[str, Any] = {
        "name": tool.name,
        "description": tool.description or "",
        "input_schema": dict(tool.input_schema),
    }
    return content_hash(told)


def capabilities_of(tools: Mapping[str, Tool], chosen: Mapping[str, str] | None) -> dict[str, str]:
    """Which tool is behind each capability: those of ``chosen`` (tool to capability), else all.

    Raises ValueError for a tool that the server has not, two tools of one capability, more than a
    participant may claim, and a name that is no capability's.
    """
    names = chosen if chosen is not None else {name: name.lower() for name in tools}
    found: dict[str, str] = {}
    for tool, wanted in names.items():
        if tool not in tools:
            raise ValueError(f"the server has no tool {tool}; it has {', '.join(sorted(tools))}")
        capability = wanted if chosen is not None else re.sub(r"[^a-z0-9_]", "_", wanted)
        if not CAPABILITY.fullmatch(capability):
            raise ValueError(f"{capability!r} is no capability; name one for the tool {tool}")
        if capability in found:
            raise ValueError(
                f"{capability} is {found[capability]} and {tool}; name one of them anew"
            )
        found[capability] = tool
    if len(found) > MOST_TOOLS:
        raise ValueError(f"{len(found)} tools; name those that count, at most {MOST_TOOLS}")
    return found


def action_of(tool: str) -> str:
    """What a call of a tool is called before policy: the tool's name, in the runtime's letters."""
    return FOREIGN.sub("_", tool.lower())

"""An MCP server of customer records that counts what it does, for tests.

As a script it serves stdio: ``records_server.py <folder>``. Each call that does something appends a
line to ``<folder>/done``, and each start one to ``<folder>/starts``; while ``<folder>/away`` exists
it does not start, and with ``<folder>/other`` it describes its tools in other words.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError

META = "phoenix-dma/authorization_id"


def records(did: Callable[[dict[str, Any]], None], *, other: bool = False) -> MCPServer[Any]:
    """The server; ``did`` is told of each call, with the authorization that came with it."""
    server: MCPServer[Any] = MCPServer("records", log_level="WARNING")

    @server.tool(description="Say whether two records are the same customer.")
    def compare(left: str, right: str, context: Context[Any, Any]) -> dict[str, bool]:
        did({"tool": "compare", "pair": [left, right], "by": authorization(context)})
        return {"same": left.lower() == right.lower()}

    @server.tool(description="Merge others too." if other else "Merge two records into one.")
    def merge(into: int, context: Context[Any, Any]) -> dict[str, int]:
        if into < 0:
            raise ToolError("there is no record before the first")
        did({"tool": "merge", "into": into, "by": authorization(context)})
        return {"merged": into}

    return server


def authorization(context: Context[Any, Any]) -> str:
    """The authorization that the caller told of; empty where it told of none."""
    return str((context.request_context.meta or {}).get(META, ""))


def main(folder: Path) -> None:
    """Serve stdio, and write what is done into ``folder``."""
    if (folder / "away").exists():
        sys.exit("away")
    append(folder / "starts", {"pid": os.getpid()})
    server = records(lambda call: append(folder / "done", call), other=(folder / "other").exists())
    server.run("stdio")


def append(file: Path, entry: dict[str, Any]) -> None:
    """Add a line; whoever reads the file sees whole ones."""
    with file.open("a") as opened:
        opened.write(json.dumps(entry) + "\n")


def lines(file: Path) -> list[dict[str, Any]]:
    """What was appended so far."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


if __name__ == "__main__":
    main(Path(sys.argv[1]))

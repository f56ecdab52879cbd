"""An agent as a script: ``merging_agent.py <id> <folder>``, whose task calls one governed tool."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import mcp

from phoenix_dma import PhoenixClient, Task
from phoenix_dma.adapters.mcp import governed_tools

RECORDS = Path(__file__).with_name("records_server.py")


async def merged(task: Task, folder: str) -> Any:
    """Merge by the tool, once a human has said yes."""
    server = mcp.StdioServerParameters(command=sys.executable, args=[str(RECORDS), folder])
    async with governed_tools(task, server) as tools:
        return (await tools.call("merge", {"into": 7})).structured_content


def main(participant: str, folder: str) -> None:
    """Take tasks until the process ends."""
    client = PhoenixClient()

    @client.task_handler("customer_validation")
    def merge(task: Task) -> Any:
        return asyncio.run(merged(task, folder))

    client.register_participant(
        id=participant,
        type="agent",
        owner="data-governance",
        capabilities=["customer_validation"],
        data_domains=["customer_master"],
        permissions=["read_customer_master", "suggest_merge"],
    )


if __name__ == "__main__":
    main(*sys.argv[1:])

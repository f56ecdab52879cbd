"""``phoenix-dma mcp`` as an agent host starts it: over stdio, over HTTP, and without the extra."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx2
import mcp
import pytest
from mcp.client.streamable_http import streamable_http_client

from phoenix_dma.testing import Phoenix
from tests.frameworks.mcp import records_server
from tests.support.processes.programs import plain_environment
from tests.support.waiting.until import PATIENCE

COMMAND: Final = ("-m", "phoenix_dma.cli", "mcp")
SUBMITTER: Final = "ci.pipeline"
ABSENT: Final = """
import sys
sys.modules["mcp"] = None  # as where it is not installed
from phoenix_dma.cli import main
main()
"""


def environment(profile: Path | str) -> dict[str, str]:
    """Of a host that starts the command with this profile."""
    return {**plain_environment(), "PHOENIX_DMA_PROFILE": str(profile)}


@asynccontextmanager
async def started(
    *arguments: str, profile: Path | str, **more: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The command as a process, killed at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        env={**environment(profile), **more},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def line_with(process: asyncio.subprocess.Process, pattern: str) -> str:
    """What ``pattern`` finds in the first line of its standard error that has it."""
    assert process.stderr is not None
    async with asyncio.timeout(PATIENCE):
        while line := (await process.stderr.readline()).decode():
            if found := re.search(pattern, line):
                return found[1]
    raise AssertionError(f"it ended without {pattern}")


async def names_of(server: Any) -> set[str]:
    """The tools that a host is shown, once it has asked the runtime something."""
    async with mcp.Client(server, read_timeout_seconds=PATIENCE) as host:
        answer = await host.call_tool("tasks", {})
        assert answer.structured_content == {"tasks": []}, answer.content
        return {tool.name for tool in (await host.list_tools()).tools}


async def test_a_host_starts_the_command_and_talks_over_stdio(phoenix: Phoenix) -> None:
    profile = phoenix.enrol_person(SUBMITTER, "submitter")
    command = mcp.StdioServerParameters(
        command=sys.executable, args=list(COMMAND), env=environment(profile)
    )
    found = await names_of(command)
    assert found == {"submit", "status", "tasks", "explain", "checkpoint", "approvals"}


async def test_over_http_only_who_has_the_token_is_answered(phoenix: Phoenix) -> None:
    profile = phoenix.enrol_person(SUBMITTER, "submitter")
    async with started(*COMMAND, "--decide", "--http", "0", profile=profile) as process:
        url = await line_with(process, r"MCP at (\S+)")
        token = await line_with(process, r"authorization: (Bearer \S+)")
        assert url.startswith("http://127.0.0.1:")
        for headers in ({}, {"authorization": "Bearer guessed"}, {"authorization": token[:-1]}):
            async with httpx2.AsyncClient(headers=headers) as caller:
                answer = await caller.post(url, json={"jsonrpc": "2.0", "id": 1, "method": "x"})
            assert answer.status_code == 401, headers
        async with httpx2.AsyncClient(headers={"authorization": token}) as known:
            assert "decide" in await names_of(streamable_http_client(url, http_client=known))


async def test_a_token_that_the_environment_has_is_taken_and_never_printed(
    phoenix: Phoenix,
) -> None:
    profile = phoenix.enrol_person(SUBMITTER, "submitter")
    given = {"PHOENIX_DMA_MCP_TOKEN": "chosen-by-the-operator"}
    async with started(*COMMAND, "--http", "0", profile=profile, **given) as process:
        url = await line_with(process, r"MCP at (\S+)")
        headers = {"authorization": "Bearer chosen-by-the-operator"}
        async with httpx2.AsyncClient(headers=headers) as known:
            await names_of(streamable_http_client(url, http_client=known))
        process.terminate()
        async with asyncio.timeout(PATIENCE):
            _, said = await process.communicate()
        assert b"chosen-by-the-operator" not in said


@pytest.mark.parametrize("words", [["mcp"], ["mcp", "join", "tool.x", "--owner", "o", "--", "x"]])
async def test_without_the_extra_the_command_says_what_to_install(
    words: list[str], tmp_path: Path
) -> None:
    profile = tmp_path / "profile.toml"
    profile.write_text('[addresses]\ngrpc = "127.0.0.1:1"\n')
    async with started("-c", ABSENT, *words, profile=profile) as process:
        async with asyncio.timeout(PATIENCE):
            out, said = await process.communicate()
    assert (process.returncode, out) == (1, b"")
    assert "EXTRA_MISSING: `phoenix-dma mcp` needs the extra mcp" in said.decode()
    assert 'What to do: Install it: pip install "phoenix-dma[mcp]"' in said.decode()
    assert "Traceback" not in said.decode()


async def test_without_a_profile_nothing_is_served(tmp_path: Path) -> None:
    async with started(*COMMAND, profile=tmp_path / "none.toml") as process:
        async with asyncio.timeout(PATIENCE):
            out, said = await process.communicate()
    assert (process.returncode, out) == (3, b"")
    assert said.decode().startswith("PROFILE: ")


NOWHERE: Final = "http://127.0.0.1:1/mcp"
SERVER: Final = (sys.executable, records_server.__file__)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--url", NOWHERE], 1, "MCP_SERVER_UNREACHABLE: The MCP server cannot be connected: "),
        (
            ["--capability", "fly=report_writing", "--", *SERVER],
            1,
            "MCP_TOOLS: The server's tools cannot be offered: the server has no tool fly; it has",
        ),
        (["--capability", "fly", "--", "x"], 2, "--capability: 'fly' is not TOOL=CAPABILITY"),
        ([], 2, "name the command of the server, after --, or its --url"),
    ],
    ids=["nobody there", "no such tool", "no pair", "no server"],
)
async def test_what_cannot_join_is_told_in_a_line(
    words: list[str], code: int, said: str, tmp_path: Path
) -> None:
    (tmp_path / "base.toml").write_text('[addresses]\ngrpc = "127.0.0.1:1"\n')
    profile = tmp_path / "own.toml"
    profile.write_text('follows = "base.toml"\ncredential = "own.jwt"\n')
    (tmp_path / "own.jwt").write_text("nobody's")
    given = [*words, str(tmp_path)] if SERVER[1] in words else words
    join = ["join", "tool.x", "--owner", "o", *given]
    async with started(*COMMAND, *join, profile=profile) as process:
        async with asyncio.timeout(PATIENCE):
            out, told = await process.communicate()
    assert (process.returncode, out) == (code, b"")
    assert said in told.decode()
    assert "What to do: " in told.decode()
    assert "Traceback" not in told.decode()

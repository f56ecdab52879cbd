"""An MCP server takes part as a tool: its tools are capabilities, its health is its heartbeat's."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import mcp
import pytest

from phoenix_dma.adapters.mcp import (
    McpOptions,
    McpParticipant,
    RegisteredServer,
    ServerUnreachable,
    ToolUnavailable,
    governed_tools,
    register_mcp_server,
)
from phoenix_dma.aio.client import AsyncPhoenixClient
from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.profile import read_profile
from phoenix_dma.testing import Phoenix
from phoenix_dma.v1 import registry_pb2
from phoenix_dma.wire.conversions import short
from tests.frameworks.mcp import records_server
from tests.frameworks.mcp.records_server import lines, records
from tests.support.processes.programs import plain_environment
from tests.support.waiting.until import PATIENCE, until

TOOL = "tool.records"
RIGHTS: dict[str, Any] = {
    "owner": "data-governance",
    "data_domains": ["customer_master"],
    "permissions": ["read_customer_master", "suggest_merge"],
}
NAMED = {"compare": "duplicate_detection", "merge": "customer_validation"}
QUICK: dict[str, float] = {"ping_seconds": 0.2, "answer_seconds": 5.0}
OPTIONS = McpOptions(capabilities=NAMED, **QUICK)
COMPARE: dict[str, Any] = {
    "required_capabilities": ["duplicate_detection"],
    "data_domains": ["customer_master"],
    "input": {"left": "Ann", "right": "ann"},
}
MERGE: dict[str, Any] = {**COMPARE, "required_capabilities": ["customer_validation"]}


def command(folder: Path) -> mcp.StdioServerParameters:
    """The records server as a process that writes into ``folder``."""
    script = Path(records_server.__file__)
    return mcp.StdioServerParameters(command=sys.executable, args=[str(script), str(folder)])


@asynccontextmanager
async def joined(
    phoenix: Phoenix, server: Any, options: McpOptions = OPTIONS
) -> AsyncIterator[McpParticipant]:
    """The server as a participant of its own, until the end of the block."""
    profile = await asyncio.to_thread(phoenix.enrol_participant, TOOL, "tool", RIGHTS["owner"])
    async with AsyncPhoenixClient(profile=read_profile(profile)) as client:
        made = await register_mcp_server(client, server, options, id=TOOL, **RIGHTS)
        try:
            yield made
        finally:
            await made.close()


async def status(phoenix: Phoenix) -> str:
    """The state of the tool, as the registry has it."""
    found = await asyncio.to_thread(phoenix.client.get_participant, TOOL)
    return short(registry_pb2.ParticipantStatus, found.status)


async def becomes(phoenix: Phoenix, wanted: str) -> None:
    async def look() -> bool:
        return await status(phoenix) == wanted

    await until(look)


async def done(phoenix: Phoenix, **fields: Any) -> Any:
    """A task, once it has ended."""
    task = await asyncio.to_thread(lambda: phoenix.submit(**fields))
    return await asyncio.to_thread(lambda: phoenix.wait_for(task, timeout=PATIENCE))


async def test_a_server_of_another_process_is_a_tool_whose_tools_take_tasks(
    phoenix: Phoenix, tmp_path: Path
) -> None:
    async with joined(phoenix, command(tmp_path)) as tool:
        await becomes(phoenix, "active")
        found = await asyncio.to_thread(phoenix.client.get_participant, TOOL)
        assert (found.type, sorted(found.capabilities)) == ("tool", sorted(NAMED.values()))
        assert sorted(tool.tools) == sorted(NAMED.values())
        ended = await done(phoenix, **COMPARE)
        assert ended.result == {"same": True}
    events = await asyncio.to_thread(phoenix.client.lineage, ended.id)
    given = next(one for one in events if one.type == "ACTION_AUTHORIZED")
    assert (given.participant, dict(given.detail)["name"]) == (TOOL, "compare")
    assert [one["by"] for one in lines(tmp_path / "done")] == [
        dict(given.detail)["authorization_id"]
    ]


async def test_what_a_tool_says_was_wrong_ends_the_task_and_is_not_tried_again(
    phoenix: Phoenix, tmp_path: Path
) -> None:
    async with joined(phoenix, command(tmp_path)):
        ended = await done(phoenix, **{**MERGE, "input": {"into": -1}})
    assert (ended.status, ended.attempt) == ("failed", 1)
    assert "there is no record before the first" in ended.why


async def test_a_denied_task_of_a_tool_calls_nothing(phoenix: Phoenix) -> None:
    did: list[dict[str, Any]] = []
    async with joined(phoenix, records(did.append)):
        constraints = ["human_approval_required_for_merge"]
        submitted = {**MERGE, "input": {"into": 1}, "policy_constraints": constraints}
        task = await asyncio.to_thread(lambda: phoenix.submit(**submitted))
        await asyncio.to_thread(phoenix.reject, task)
        ended = await asyncio.to_thread(phoenix.wait_for, task)
    assert (ended.status, did) == ("failed", [])


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hung"])
async def test_a_server_that_does_not_answer_is_degraded_until_it_is_back(
    phoenix: Phoenix, tmp_path: Path, end: signal.Signals
) -> None:
    quick = McpOptions(capabilities=NAMED, ping_seconds=0.2, answer_seconds=2.0)
    async with joined(phoenix, command(tmp_path), quick) as tool:
        await becomes(phoenix, "active")
        (tmp_path / "away").touch()
        os.kill(lines(tmp_path / "starts")[-1]["pid"], end)
        await becomes(phoenix, "degraded")
        with pytest.raises(ToolUnavailable):
            assert tool.connection.client
        (tmp_path / "away").unlink()
        await becomes(phoenix, "active")
        assert (await done(phoenix, **COMPARE)).result == {"same": True}
    assert len(lines(tmp_path / "starts")) == 2


async def test_a_server_that_comes_back_with_other_tools_stays_degraded(
    phoenix: Phoenix, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with joined(phoenix, command(tmp_path)):
        await becomes(phoenix, "active")
        (tmp_path / "other").touch()
        os.kill(lines(tmp_path / "starts")[-1]["pid"], signal.SIGKILL)
        await becomes(phoenix, "degraded")

        async def refused() -> bool:
            return "The server's tools are not the registered ones: merge" in caplog.text

        await until(refused)
        assert await status(phoenix) == "degraded"


async def test_what_the_catalogue_does_not_know_is_refused_by_name(phoenix: Phoenix) -> None:
    async with joined(phoenix, records(lambda _: None), McpOptions(**QUICK)) as tool:
        assert tool.answer is not None
        refused = {one.name: one.reason for one in tool.answer.participant.refused}
        assert sorted(refused) == ["compare", "merge"]
        assert "knows no capability merge" in refused["merge"]


async def test_a_server_that_cannot_be_connected_is_no_participant(phoenix: Phoenix) -> None:
    nowhere = mcp.StdioServerParameters(command="/nowhere/at/all")
    with pytest.raises(ServerUnreachable, match="No such file or directory: '/nowhere"):
        async with joined(phoenix, nowhere):
            pass
    with pytest.raises(ValueError, match="the server has no tool fly"):
        async with joined(
            phoenix, records(lambda _: None), McpOptions(capabilities={"fly": "report_writing"})
        ):
            pass
    assert await asyncio.to_thread(phoenix.client.list_participants) == []


@pytest.mark.parametrize(
    ("state", "tool", "why", "shown"),
    [
        ("as registered", "merge", "", ["compare", "merge"]),
        ("suspended", "merge", "tool.records is suspended", []),
        ("changed", "merge", "its definition is not the one that was registered", ["compare"]),
        ("as registered", "fly", "the server does not list it", ["compare", "merge"]),
    ],
)
async def test_an_agent_calls_a_tool_only_while_the_registry_vouches_for_it(
    phoenix: Phoenix, state: str, tool: str, why: str, shown: list[str]
) -> None:
    did: list[dict[str, Any]] = []
    its_own = records(did.append, other=state == "changed")

    async def agent(task: AsyncTask) -> dict[str, Any]:
        vouching = RegisteredServer(made.client, TOOL)
        async with governed_tools(task, its_own, registered=vouching) as tools:
            offered = sorted(one.name for one in await tools.tools())
            try:
                await tools.call(tool, {"into": 1})
            except ToolUnavailable as unavailable:
                return {"why": unavailable.text, "shown": offered}
            return {"why": "", "shown": offered}

    async with joined(phoenix, records(lambda _: None)):
        await becomes(phoenix, "active")
        if state == "suspended":
            await asyncio.to_thread(suspend, phoenix)
        work = {**RIGHTS, "capabilities": ["report_writing"]}
        made = await asyncio.to_thread(lambda: phoenix.join("agent.caller", agent, **work))
        need = {**COMPARE, "required_capabilities": ["report_writing"]}
        ended = await done(phoenix, **need)
    assert why in ended.result["why"]
    assert len(did) == (0 if why else 1)
    assert ended.result["shown"] == shown


def suspend(phoenix: Phoenix) -> None:
    """As an operator."""
    api = phoenix.client
    request = registry_pb2.SuspendParticipantRequest(participant_id=TOOL, reason="a test")
    api._ask(lambda calls: calls.ask(calls.stubs.registry.SuspendParticipant, request))


async def test_the_command_keeps_a_server_registered_until_it_is_told_to_leave(
    phoenix: Phoenix, tmp_path: Path
) -> None:
    profile = await asyncio.to_thread(phoenix.enrol_participant, TOOL, "tool", RIGHTS["owner"])
    server = command(tmp_path)
    chosen = [f"--capability={tool}={capability}" for tool, capability in NAMED.items()]
    rights = ["--domain", "customer_master", "--permission", "read_customer_master"]
    owner = ["--owner", RIGHTS["owner"]]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *["-m", "phoenix_dma.cli", "mcp", "join", TOOL, *owner, *chosen, *rights],
        *["--", server.command, *server.args],
        env={**plain_environment(), "PHOENIX_DMA_PROFILE": str(profile)},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stderr is not None
        async with asyncio.timeout(PATIENCE):
            here = (await process.stderr.readline()).decode()
        assert here.startswith(f"{TOOL} is here: granted customer_validation, duplicate_detection")
        assert (await done(phoenix, **COMPARE)).result == {"same": True}
        process.terminate()
        async with asyncio.timeout(PATIENCE):
            await process.communicate()
        assert process.returncode == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    found = await asyncio.to_thread(phoenix.client.get_participant, TOOL)
    assert found.status_reason == "participant_left"
    pid = lines(tmp_path / "starts")[-1]["pid"]
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)

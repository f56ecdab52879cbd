"""What an agent's program says: that it is here, what does not fit, and why it ended."""

import asyncio
import logging
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from phoenix_dma.aio.client import AsyncPhoenixClient
from phoenix_dma.log import announcements
from phoenix_dma.v1 import session_pb2
from tests.support.builders.participants import join
from tests.support.fakes.control_plane import ENROLMENT, PARTICIPANT, FakeControlPlane
from tests.support.waiting.until import PATIENCE

REASON = session_pb2.LeaseLostReason


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """As where the program talks to a terminal."""
    monkeypatch.setattr(announcements, "always", True)
    caplog.set_level(logging.INFO, "phoenix_dma")


def events(caplog: pytest.LogCaptureFixture, name: str) -> list[dict[str, Any]]:
    """The facts of each event of that name."""
    return [
        getattr(record, "facts")  # noqa: B009  # records have what loggers give them
        for record in caplog.records
        if getattr(record, "event", "") == name
    ]


async def test_an_agent_says_one_line_when_it_is_here(
    control_plane: FakeControlPlane,
    client: AsyncPhoenixClient,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    control_plane.refused_claims["customer_mastre"] = "unknown\x1b[31m; nearest: customer_master"
    await join(client, data_domains=["customer_mastre", "product_master"])
    assert capsys.readouterr().err == (
        f"{PARTICIPANT} is here: granted customer_validation, product_master; "
        r"refused customer_mastre (unknown\x1b[31m; nearest: customer_master)" + "\n"
    )
    (refused,) = events(caplog, "claim_refused")
    assert (refused["kind"], refused["name"]) == ("data_domains", "customer_mastre")
    assert "\x1b" not in caplog.text
    lost = session_pb2.LeaseLost(slot=-1, reason=REASON.LEASE_LOST_REASON_EXPIRED)
    await control_plane.send(lost)
    await control_plane.hears("RegisterParticipant", 2)
    await control_plane.hears("attach", 2)
    assert capsys.readouterr().err == "", "nothing has changed"


async def test_a_handler_that_no_task_will_reach_is_named_with_the_nearest_claim(
    client: AsyncPhoenixClient, caplog: pytest.LogCaptureFixture
) -> None:
    @client.task_handler("customer_validaton")
    def before(task: object) -> None: ...

    await join(client)

    @client.task_handler("something_else")
    def after(task: object) -> None: ...

    early, late = events(caplog, "handler_unreachable")
    assert early["capability"] == "customer_validaton"
    assert early["reason"].endswith("; did you mean 'customer_validation'?")
    assert (late["capability"], "did you mean" in late["reason"]) == ("something_else", False)


async def test_a_handler_for_any_task_fits_every_claim(
    client: AsyncPhoenixClient, caplog: pytest.LogCaptureFixture
) -> None:
    @client.task_handler()
    def handle(task: object) -> None: ...

    await join(client)
    assert not events(caplog, "handler_unreachable")


async def test_a_misspelt_argument_is_an_error_with_the_nearest_name(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    with pytest.raises(TypeError, match=r"'capabilites'; did you mean 'capabilities'\?"):
        await client.register_participant(id="a", capabilites=["c"])  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"capabilities is a list of names, not a text: \['c'\]"):
        await client.register_participant(id="a", capabilities="c")
    with pytest.raises(TypeError, match="not <function"):

        @client.task_handler  # type: ignore[arg-type]
        def handle(task: object) -> None: ...

    assert not control_plane.heard


SCRIPT = """
from phoenix_dma import PhoenixClient
client = PhoenixClient()
client.register_participant(
    id="agent.customer-steward.001", type="agent", owner="o", capabilities=["customer_validation"]
)
@client.task_handler("customer_validation")
def handle(task): ...
"""


@pytest.mark.parametrize(
    ("reason", "code", "runner"),
    [
        (REASON.LEASE_LOST_REASON_SUPERSEDED, 4, []),
        (REASON.LEASE_LOST_REASON_RETIRED, 5, ["-m", "phoenix_dma.cli", "run"]),
    ],
    ids=["superseded", "retired"],
)
async def test_a_supervisor_tells_by_the_exit_code_why_an_agent_ended(
    control_plane: FakeControlPlane, tmp_path: Path, reason: Any, code: int, runner: list[str]
) -> None:
    process = await started(tmp_path, control_plane, runner, SCRIPT)
    await control_plane.send(session_pb2.LeaseLost(slot=-1, reason=reason))
    _, said = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == code, said.decode()
    lines = said.decode().splitlines()
    assert f"{PARTICIPANT} is here: granted customer_validation" in lines
    assert any(f"will not attach again (exit code {code})" in line for line in lines)


async def test_an_agent_that_retires_itself_ends_well(
    control_plane: FakeControlPlane, tmp_path: Path
) -> None:
    process = await started(tmp_path, control_plane, [], f"{SCRIPT}\nclient.retire()\n")
    await control_plane.hears("RetireParticipant")
    lost = session_pb2.LeaseLost(slot=-1, reason=REASON.LEASE_LOST_REASON_RETIRED)
    await control_plane.send(lost)
    _, said = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 0, said.decode()


async def started(
    folder: Path, control_plane: FakeControlPlane, runner: list[str], script: str
) -> asyncio.subprocess.Process:
    (folder / "operator.jwt").write_text(ENROLMENT)
    profile = folder / "profile.toml"
    profile.write_text(
        f'credential = "operator.jwt"\n[addresses]\ngrpc = "{control_plane.address}"\n'
    )
    (folder / "agent.py").write_text(script)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *runner,
        str(folder / "agent.py"),
        env={**os.environ, "PHOENIX_DMA_PROFILE": str(profile)},
        stderr=asyncio.subprocess.PIPE,
    )
    await control_plane.hears("attach")
    return process

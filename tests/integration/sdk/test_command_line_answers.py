"""Every command of the command line, whatever the runtime has stored, and however it refuses."""

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from phoenix_dma.cli import COMMANDS, build, commands_of
from phoenix_dma.errors import BY_REASON
from phoenix_dma.policy_files import write_template
from phoenix_runtime.core import errors
from phoenix_runtime.core.verdict import DecisionPoint, Effect, Verdict
from tests.support.fakes.any_answer import AnyAnswer, any_answer

NASTY = "[urgent] [/INST]\x1b[31m\r\n\u202egpj\x9b2J[link=x]"
LOCAL = {
    "up",
    "down",
    "status",
    "run",
    "audit verify",
    "doctor",
    "mcp",
    "mcp join",
    "tenant add",
    "tenant list",
    "policy init",
}
"""They start a runtime or a server, work on a folder, a database or keys, or run a script."""
ARGUMENTS = {
    "token": "",
    "participants": "",
    "participants list": "--status active --type agent",
    "participants show": "agent.a",
    "participants suspend": "agent.a",
    "participants reinstate": "agent.a",
    "retire": "agent.a",
    "discover": "--capability duplicate_detection",
    "tasks": "",
    "tasks list": "--status active",
    "tasks show": "task.a",
    "tasks cancel": "task.a",
    "handoff": "task.a",
    "submit": "--objective o",
    "explain": "task.a",
    "approvals": "",
    "approvals list": "--status pending",
    "approvals show": "approval.a",
    "approvals approve": "approval.a --comment c",
    "approvals reject": "approval.a --comment c",
    "effects": "",
    "effects list": "--status unknown",
    "effects show": "authorization.a",
    "enrol participant": "agent.b --owner o",
    "enrol person": "human.b",
    "enrol submitter": "ci.b",
    "user add": "human.c",
    "user list": "--kind person",
    "user disable": "agent.a --reason r",
    "user enable": "agent.a",
    "role grant": "human.a reviewer",
    "role revoke": "human.a reviewer",
    "handoffs": "--task task.a",
    "retirements": "",
    "checkpoints": "task.a",
    "audit": "--type TASK_SUBMITTED",
    "lineage": "task.a",
    "certify grant": "agent.a duplicate_detection --evidence e",
    "certify revoke": "certification.a --reason r",
    "certify list": "",
    "catalogue list": "",
    "policy activate": "sha256:a",
    "policy apply": "overlay --note n",
    "policy list": "",
    "policy rollback": "",
    "policy test": "overlay",
}

SHOW_NO_TEXT = {
    "catalogue list",
    "token",
    "enrol person",
    "role grant",
    "role revoke",
    "user add",
    "user disable",
}
"""They show the caller's own words, or what is no text."""


def leaves() -> Iterator[str]:
    """Every command that does something by itself."""
    for module in sorted({module for module, _ in COMMANDS.values()}):
        for name, command in commands_of([module]).items():
            inner = getattr(command, "commands", {})
            if not inner or command.invoke_without_command:
                yield name
            yield from (f"{name} {sub}" for sub in inner)


REMOTE = sorted(set(leaves()) - LOCAL)


@pytest.fixture(scope="module")
def runtime() -> Iterator[AnyAnswer]:
    with any_answer(NASTY) as answering:
        yield answering


@pytest.fixture
def environment(
    runtime: AnyAnswer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> pytest.MonkeyPatch:
    runtime.refusal = None
    runtime.refused = frozenset()
    monkeypatch.setenv("PHOENIX_DMA_ADDRESS", runtime.address)
    monkeypatch.setenv("PHOENIX_DMA_TOKEN", "given")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    profile = tmp_path / "phoenix-dma" / "profile.toml"
    profile.parent.mkdir()
    profile.write_text(f'[addresses]\ngrpc = "{runtime.address}"\n')
    write_template(tmp_path / "overlay")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PHOENIX_DMA_PROFILE", raising=False)
    return monkeypatch


def ran(command: str, *more: str) -> Result:
    arguments = [*command.split(), *ARGUMENTS[command].split(), *more]
    result: Any = CliRunner().invoke(build(), arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result  # type: ignore[no-any-return]


def harmless(shown: str) -> bool:
    return all(one.isprintable() or one == "\n" for one in shown)


def test_each_command_is_tried() -> None:
    assert set(ARGUMENTS) == set(REMOTE)


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("command", REMOTE)
def test_what_is_stored_is_shown_and_does_nothing(command: str) -> None:
    shown = ran(command)
    assert shown.exit_code == 0, shown.output
    assert harmless(shown.output)
    if command not in SHOW_NO_TEXT:
        assert "[urgent] [/INST]" in shown.output
        assert r"\u202e" in shown.output


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("command", [one for one in REMOTE if one != "token"])
def test_programs_get_every_text_as_it_was_stored(command: str) -> None:
    shown = ran(command, "--json")
    assert shown.exit_code == 0, shown.output
    assert harmless(shown.stdout)
    assert json.dumps(NASTY)[1:-1] in json.dumps(json.loads(shown.stdout))


@pytest.mark.parametrize(
    ("refusal", "output"),
    [
        (errors.NotFound("task", NASTY), "table"),
        (errors.FieldInvalid([errors.Violation("task.id", NASTY)]), "table"),
        (errors.CredentialInvalid(NASTY), "table"),
        (errors.NotPermitted(NASTY, remedy="Do not."), "json"),
    ],
    ids=["not found", "invalid", "bad token", "not permitted"],
)
def test_one_mistake_has_one_exit_code_whichever_command_makes_it(
    environment: pytest.MonkeyPatch,
    runtime: AnyAnswer,
    refusal: errors.Refused,
    output: str,
) -> None:
    del environment
    runtime.refusal = refusal
    for command in REMOTE:
        if command == "token":
            continue  # a given token is printed without a call
        shown = ran(command, "--output", output)
        assert (shown.exit_code, shown.stdout) == (1, ""), command
        assert harmless(shown.stderr)
        if output == "json":
            assert json.loads(shown.stderr)["error"]["reason"] == refusal.reason
        else:
            assert shown.stderr.count(r"\x1b[31m") <= 1 + len(refusal.facts), "told once"
            assert "What to do: " in shown.stderr


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("command", ["policy apply", "policy rollback"])
def test_an_overlay_that_somebody_else_has_to_activate_is_named(
    runtime: AnyAnswer, command: str
) -> None:
    denied = Verdict(
        Effect.DENY, "d", DecisionPoint.ACTIVATE_POLICY, "p", "", "", datetime.now(UTC)
    )
    runtime.refusal = errors.PolicyDenied(denied)
    runtime.refused = frozenset({"ActivatePolicy"})
    shown = ran(command, "--json")
    assert (shown.exit_code, shown.stdout) == (1, "")
    error = json.loads(shown.stderr)["error"]
    assert (error["reason"], error["facts"]["overlay_revision"]) == ("POLICY_DENIED", NASTY)
    shown = ran(command)
    assert (shown.exit_code, shown.stdout) == (1, "")
    assert harmless(shown.stderr)
    assert "phoenix-dma policy activate [urgent] [/INST]" in shown.stderr


@pytest.mark.parametrize("command", REMOTE)
def test_that_nothing_listens_is_said_at_once(
    command: str, environment: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        environment.setenv("PHOENIX_DMA_ADDRESS", f"127.0.0.1:{free.getsockname()[1]}")
        shown = ran(command)
    assert (shown.exit_code, shown.stdout) == (3, "")
    assert "Nothing listens at 127.0.0.1:" in shown.stderr
    assert "phoenix-dma up" in shown.stderr


def test_every_reason_has_an_exit_code() -> None:
    from phoenix_dma.cli.calls import code_of  # noqa: PLC0415

    codes = {reason: code_of(kind("t")) for reason, kind in BY_REASON.items()}
    assert {reason for reason, code in codes.items() if code == 3} == {"PROFILE", "UNAVAILABLE"}
    assert set(codes.values()) == {1, 3}


@pytest.mark.usefixtures("environment")
def test_a_script_is_told_at_once_that_nothing_listens_yet(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "agent.py").write_text("print('the script ran')\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        environment.setenv("PHOENIX_DMA_ADDRESS", f"127.0.0.1:{free.getsockname()[1]}")
        shown: Any = CliRunner().invoke(build(), ["run", str(tmp_path / "agent.py")])
    assert (shown.exit_code, shown.stdout) == (0, "the script ran\n")
    assert "still trying. Start the runtime with `phoenix-dma up`" in shown.stderr

"""Every listing has a header, says when there is nothing, and is JSON for programs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from phoenix_dma.cli import build
from phoenix_runtime.core import errors
from tests.support.fakes.any_answer import AnyAnswer, any_answer

EMPTY = {
    "participants": "no participant matches",
    "participants list": "no participant matches",
    "tasks": "no task matches",
    "tasks list": "no task matches",
    "approvals": "nothing waits for a human",
    "approvals list": "no approval matches",
    "handoffs": "no handoff matches",
    "retirements": "no retirement matches",
    "checkpoints task.a": "it has recorded no context",
    "audit": "no event matches",
    "audit --full": "no event matches",
    "certify list": "nobody is certified",
    "user list": "nobody is enrolled",
}
HEADERS = {
    "participants": "participant type status owner trust load capabilities",
    "tasks": "task status held by epoch attempt objective",
    "approvals": "approval status action task by comment",
    "handoffs": "handoff begun status task from to reason",
    "retirements": "retirement begun status participant mode tasks",
    "checkpoints task.a": "context version recorded by epoch bytes hash",
    "audit": "seq time event actor about change why",
    "certify list": "certification participant capability method until evidence",
    "user list": "identity kind status type owner roles enrolled by",
    "policy list": "revision state uploaded by uploaded activated by tests note",
    "tenant list": "tenant profile",
}


@pytest.fixture(scope="module")
def answering() -> Iterator[AnyAnswer]:
    with any_answer("agent.a") as runtime:
        yield runtime


@pytest.fixture
def runtime(
    answering: AnyAnswer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[AnyAnswer]:
    monkeypatch.setenv("PHOENIX_DMA_ADDRESS", answering.address)
    monkeypatch.setenv("PHOENIX_DMA_TOKEN", "given")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("PHOENIX_DMA_PROFILE", raising=False)
    yield answering
    answering.empty, answering.refusal, answering.refused = False, None, frozenset()


def ran(command: str) -> Result:
    result: Any = CliRunner().invoke(build(), command.split())
    return result  # type: ignore[no-any-return]


@pytest.mark.parametrize("command", EMPTY)
def test_an_empty_listing_says_so_and_is_an_empty_list(command: str, runtime: AnyAnswer) -> None:
    runtime.empty = True
    shown = ran(command)
    assert (shown.exit_code, shown.output) == (0, f"{EMPTY[command]}\n")
    programs = ran(f"{command} --json")
    assert (programs.exit_code, json.loads(programs.stdout), programs.stderr) == (0, [], "")


@pytest.mark.usefixtures("runtime")
@pytest.mark.parametrize("command", HEADERS)
def test_a_listing_has_a_header(command: str) -> None:
    shown = ran(command)
    assert shown.exit_code == 0, shown.output
    assert " ".join(shown.stdout.splitlines()[0].split()) == HEADERS[command]


@pytest.mark.usefixtures("runtime")
@pytest.mark.parametrize("command", sorted(set(HEADERS) - {"policy list"}))
def test_a_listing_is_a_list_of_objects_for_programs(command: str) -> None:
    found = json.loads(ran(f"{command} --json").stdout)
    assert isinstance(found, list)
    assert all(isinstance(one, dict) for one in found)


def test_one_wrong_field_is_told_once(runtime: AnyAnswer) -> None:
    runtime.refusal = errors.FieldInvalid([errors.Violation("task.objective", "is required")])
    assert ran("submit").stderr.splitlines() == [
        "FIELD_INVALID: task.objective: is required",
        "What to do: Fix the fields named and send the request again.",
    ]


def test_what_waits_is_not_listed_for_somebody_who_takes_part_in_nothing(
    runtime: AnyAnswer,
) -> None:
    runtime.refusal = errors.NotFound("participant", "human.nobody")
    runtime.refused = frozenset({"GetParticipant"})
    shown = ran("approvals list --as human.nobody")
    assert (shown.exit_code, shown.stdout) == (1, "")
    assert "human.nobody takes part in nothing here" in shown.stderr
    assert "phoenix-dma user add human.nobody --role reviewer" in shown.stderr

"""Every listing has a header, says when there is nothing, and is JSON for programs."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from phoenix_dma.cli import build
from phoenix_dma.v1 import approval_pb2, identity_pb2, registry_pb2
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
    answering.given, answering.asked = {}, {}


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


def test_an_enrolment_that_a_newer_one_replaced_is_told_from_a_disabled_identity(
    runtime: AnyAnswer,
) -> None:
    active, disabled = identity_pb2.ENROLMENT_STATUS_ACTIVE, identity_pb2.ENROLMENT_STATUS_DISABLED
    newest_first = [
        ("enrolment.5", "", disabled),
        ("enrolment.4", "", disabled),
        ("enrolment.3", "human.ended", disabled),
        ("enrolment.2", "human.jane", active),
        ("enrolment.1", "human.jane", disabled),
    ]
    runtime.given["ListEnrolments"] = identity_pb2.ListEnrolmentsResponse(
        enrolments=[
            identity_pb2.Enrolment(enrolment_id=which, identity=who, status=status, owner="o")
            for which, who, status in newest_first
        ]
    )
    lines = ran("user list").stdout.splitlines()[1:]
    told = [next(w for w in line.split() if w in STATUSES) for line in lines]
    assert told == ["replaced", "active", "disabled", "disabled", "disabled"]


STATUSES = {"replaced", "active", "disabled"}


def test_what_a_person_may_decide_is_counted_without_what_they_are_barred_from(
    runtime: AnyAnswer,
) -> None:
    jane = "human.jane"
    runtime.given["GetParticipant"] = registry_pb2.GetParticipantResponse(
        participant=registry_pb2.Participant(id=jane, type="human")
    )
    barred = [[], [jane], [jane], [], [jane], []]
    runtime.given["ListApprovals"] = approval_pb2.ListApprovalsResponse(
        approvals=[
            approval_pb2.Approval(approval_id=f"approval.{at}", barred=one)
            for at, one in enumerate(barred)
        ],
        total_size=len(barred),
    )
    shown = ran(f"approvals list --as {jane} --last 2")
    assert [line.split()[0] for line in shown.stdout.splitlines()[1:]] == [
        "approval.3",
        "approval.0",
    ]
    assert shown.stderr.startswith("1 more: ")
    assert ran(f"approvals list --as {jane}").stderr == ""


@pytest.mark.usefixtures("runtime")
def test_an_approval_shows_its_times_as_tables_do() -> None:
    shown = ran("approvals show approval.1").stdout
    times = [line for line in shown.splitlines() if line.startswith(("asked  ", "until  "))]
    assert len(times) == len(["asked", "until"])
    assert all(re.search(r" \d{4}-\d\d-\d\d \d\d:\d\d:\d\d$", line) for line in times), times


@pytest.mark.parametrize(
    ("command", "method"),
    [("audit", "ListAuditEvents"), ("participants", "ListParticipants")],
)
def test_where_the_order_can_be_chosen_the_newest_are_asked_for(
    command: str, method: str, runtime: AnyAnswer
) -> None:
    """The oldest of however many would leave out what has just happened."""
    assert ran(f"{command} --last 7").exit_code == 0
    asked = runtime.asked[method]
    assert (asked.newest_first, asked.page_size, asked.with_total) == (True, 7, True)

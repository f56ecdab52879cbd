"""Wrong command lines, and files that they name: nothing is sent, and all end with one code."""

from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from phoenix_dma.cli import build
from phoenix_dma.v1 import assignment_pb2, governance_pb2
from tests.integration.sdk.test_command_line_answers import environment, runtime
from tests.support.fakes.any_answer import AnyAnswer

__all__ = ["environment", "runtime"]


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(
    "wrong",
    [
        "tasks list --status silly",
        "participants list --status silly",
        "approvals list --status silly",
        "handoffs --status silly",
        "retirements --status silly",
        "retire agent.a --mode silly",
        "discover --risk silly",
        "submit --risk silly",
        "submit no-such-file.json",
        "submit --input {",
        "explain --output silly",
        "explain no-such-file.json",
        "explain no-such-folder/task",
        "audit --since silly",
        "tasks --last -1",
        "audit --since 0001-01-01T00:00:00+14:00",
        "audit --after abc",
        "audit --after 9223372036854775808",
        "tasks show",
        "tasks show a b",
        "tasks list --stat x",
        "token --role silly",
        "certify grant a b --evidence e --coverage 2",
        "certify grant a b --evidence e --method silly",
        "certify grant a b --evidence e --days 1e12",
        "certify grant a b --evidence e --days nan",
        "retire agent.a --within 1e12",
        "retire agent.a --within nan",
        "retire agent.a --within -1",
        'submit --objective o --input {"a":1e999}',
        "enrol participant agent.b --owner o --profile overlay",
        "user add human.b --profile phoenix-dma/profile.toml/human.b.toml",
        "enrol submitter ci.b --profile ci.jwt",
        "catalogue list silly",
        "tasks frobnicate",
        "policy init overlay",
        "policy init phoenix-dma/profile.toml/policy",
        "policy test no-such-folder",
        "policy apply no-such-folder",
        "frobnicate",
    ],
)
def test_a_wrong_command_line_has_the_code_of_a_wrong_command_line(wrong: str) -> None:
    shown: Any = CliRunner().invoke(build(), wrong.split())
    assert (shown.exit_code, shown.stdout) == (2, ""), shown.output
    said, remedy = shown.stderr.strip().split("\n")
    assert said.startswith("COMMAND_LINE: ")
    assert remedy.startswith("What to do: ")
    assert "--help` says what it takes" in remedy


@pytest.mark.usefixtures("environment")
def test_nobody_is_enrolled_whose_profile_cannot_be_written(runtime: AnyAnswer) -> None:
    """The new credential takes the place of the former: one that is lost locks somebody out."""
    runtime.asked.clear()
    shown: Any = CliRunner().invoke(build(), ["user", "add", "human.b", "--profile", "overlay"])
    assert (shown.exit_code, runtime.asked) == (2, {})
    assert "overlay cannot be used: is a directory" in shown.stderr


@pytest.fixture
def given(runtime: AnyAnswer) -> Iterator[dict[str, Any]]:
    """Answers of a test's own."""
    yield runtime.given
    runtime.given.clear()
    runtime.empty = False


@pytest.mark.usefixtures("environment")
def test_a_task_that_nobody_holds_is_not_handed_off(
    runtime: AnyAnswer, given: dict[str, Any]
) -> None:
    task = assignment_pb2.Task(task_id="task.a", status=assignment_pb2.TASK_STATUS_SUCCEEDED)
    given["GetTask"] = assignment_pb2.GetTaskResponse(task=task)
    runtime.asked.clear()
    shown: Any = CliRunner().invoke(build(), ["handoff", "task.a"])
    assert (shown.exit_code, runtime.asked.keys()) == (1, {"GetTask"})
    assert "ILLEGAL_TRANSITION: task.a is succeeded, and nobody holds it" in shown.stderr


@pytest.mark.usefixtures("environment")
def test_a_need_with_a_misspelt_word_says_so(runtime: AnyAnswer, given: dict[str, Any]) -> None:
    runtime.empty = True
    known = governance_pb2.GetCatalogueResponse()
    known.catalogue.update({"capabilities": {"policy_check": {}}, "domains": {"customer": {}}})
    given["GetCatalogue"] = known
    words = ["discover", "--capability", "policy_chek", "--domain", "customer"]
    shown: Any = CliRunner().invoke(build(), words)
    assert (shown.exit_code, shown.stdout) == (0, "nobody is eligible\n")
    note = "the catalogue knows no capability 'policy_chek'; did you mean 'policy_check'?\n"
    assert shown.stderr == note

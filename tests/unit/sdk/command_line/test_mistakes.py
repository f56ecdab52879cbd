"""What is wrong with a command line is said in words of ours, in the form of every other error."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from phoenix_dma.cli import build

PEOPLE = "submitter, operator, reviewer, auditor, policy_admin"
OTHERS = "none of: submitter, auditor"
HELP = "What to do: Correct it; `phoenix-dma {} --help` says what it takes."


def told(*arguments: str) -> Result:
    result: Any = CliRunner().invoke(build(), list(arguments))
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    return result  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("given", "said", "command"),
    [
        ("audit --after abc", "--after: 'abc' is no whole number", "audit"),
        ("audit --after -1", "--after: -1 is out of range: 0 or more", "audit"),
        ("submit --max-losses x", "--max-losses: 'x' is no whole number", "submit"),
        ("retire a --within soon", "--within: 'soon' is no number", "retire"),
        ("certify grant a --evidence e --coverage 2", None, "certify grant"),
        ("tasks show", "the argument TASK is missing", "tasks show"),
        ("approvals approve a", "the option --comment is missing", "approvals approve"),
        ("tasks shw", "there is no command 'shw'; did you mean 'show'?", "tasks"),
        ("tasks show a b", "b is more than it takes", "tasks show"),
        ("tasks list --stat x", None, "tasks list"),
        ("tasks list --status", "--status needs a value", "tasks list"),
        ("tasks -o silly", "--output: 'silly' is none of: table, json", "tasks"),
        ("catalogue list silly", None, "catalogue list"),
        ("role grant a emperor", f"ROLES: 'emperor' is none of: {PEOPLE}", "role grant"),
        ("enrol submitter a --role reviewer", f"--role: 'reviewer' is {OTHERS}", "enrol submitter"),
        ("token --role service", f"--role: 'service' is none of: participant, {PEOPLE}", "token"),
        (
            "token --participant a",
            "--owner: names the owner of --participant, and is missing",
            "token",
        ),
        ("run no-such.py", "SCRIPT: no-such.py is not there", "run"),
        ("audit --since silly", None, "audit"),
    ],
)
def test_a_mistake_is_named_with_what_to_do(given: str, said: str | None, command: str) -> None:
    first, *rest = told(*given.split()).stderr.strip().split("\n")
    assert rest == [HELP.format(command)]
    assert first.startswith("COMMAND_LINE: ")
    if said is not None:
        assert first == f"COMMAND_LINE: {said}"


def test_a_command_that_is_unknown_is_told_by_the_application() -> None:
    shown = told("tascs").stderr
    assert "there is no command 'tascs'; did you mean 'tasks'" in shown
    assert "`phoenix-dma --help`" in shown


@pytest.mark.parametrize("json_output", ["--json", "--output=json", "-o json"])
def test_programs_are_told_in_json(json_output: str) -> None:
    error = json.loads(told("tasks", "show", *json_output.split()).stderr)["error"]
    assert (error["reason"], error["text"]) == ("COMMAND_LINE", "the argument TASK is missing")
    assert error["remedy"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[1]", 'task.json is no JSON object; write one, such as {"objective": "…"}'),
        ('{"objective": ', "task.json is no JSON: it cannot be read from line 1, column 15 on"),
        ('{"priority": "high"}', "priority is the text 'high'; a whole number is wanted"),
        ('{"detached": 1}', "detached is 1; true or false is wanted"),
        ('{"objective": null, "task_id": []}', "task_id is a list; a text is wanted"),
        (
            '{"max_attempts": 3000000000}',
            "max_attempts is 3000000000; a whole number from -2147483648 to 2147483647 is wanted",
        ),
        ('{"data_domains": ["a", 1]}', "data_domains holds 1; a list of texts is wanted"),
        (
            '{"objective": "a\\ud800"}',
            "objective holds U+D800 at offset 1, which is no Unicode character",
        ),
        (
            '{"start_timeout": "1m"}',
            "start_timeout is the text '1m'; a number of seconds, or a timedelta, is wanted",
        ),
        ('{"risk_level": "silly"}', "risk_level: 'silly' is none of: low, medium, high"),
    ],
)
def test_a_file_with_a_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "task.json").write_text(content)
    shown = told("submit", "task.json").stderr
    assert shown.split("\n")[0] == f"COMMAND_LINE: {said}"


def test_a_file_that_is_not_there_or_no_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = told("submit", "nofile.json").stderr
    assert said.startswith("COMMAND_LINE: nofile.json cannot be used: no such file or directory\n")
    (tmp_path / "bytes.json").write_bytes(b"\xff")
    assert "bytes.json is no text in UTF-8" in told("submit", "bytes.json").stderr


@pytest.mark.parametrize("name", ["policy", "certify", "user"])
def test_a_group_without_a_command_prints_its_help(name: str) -> None:
    shown: Any = CliRunner().invoke(build(), [name])
    assert shown.exit_code == 2
    assert "Commands:" in shown.output
    assert "COMMAND_LINE" not in shown.output

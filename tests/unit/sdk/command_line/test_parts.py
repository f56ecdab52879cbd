"""The command line's table of commands says what the modules do."""

import pytest
from typer.main import get_command

from phoenix_dma.briefing import task_info
from phoenix_dma.cli import COMMANDS, build, commands_of, spelled_out
from phoenix_dma.cli.audit import event_lines, lineage_lines, whole
from phoenix_dma.cli.follow import progress_of
from phoenix_dma.cli.tasks import show_task
from phoenix_dma.v1 import assignment_pb2, audit_pb2
from phoenix_dma.wire.conversions import struct_of

MODULES = sorted({module for module, _ in COMMANDS.values()})


@pytest.mark.parametrize("module", MODULES)
def test_a_module_registers_the_commands_that_the_table_names_for_it(module: str) -> None:
    named = {name for name, (home, _) in COMMANDS.items() if home == module}
    assert set(commands_of([module])) == named


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_the_help_of_each_begins_with(name: str) -> None:
    module, listed = COMMANDS[name]
    told = " ".join((commands_of([module])[name].help or "").split())
    assert told.startswith(listed.removesuffix("."))


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["tasks", "--json"], ["tasks", "--output", "json"]),
        (["run", "agent.py", "--json"], ["run", "agent.py", "--json"]),
        (["submit", "--", "--json"], ["submit", "--", "--json"]),
        ([], []),
    ],
)
def test_json_is_short_for_the_output_option(given: list[str], meant: list[str]) -> None:
    assert spelled_out(given) == meant


def test_every_command_is_found_by_its_name_and_no_other_is() -> None:
    group = get_command(build())
    assert group.get_command(None, "participants").name == "participants"  # type: ignore[attr-defined]
    assert group.get_command(None, "particpants") is None  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("losses", "most", "told"),
    [(2, 3, "2 of 3: agent.a, agent.b"), (5, 0, "5: agent.a, agent.b"), (0, 3, "")],
)
def test_a_task_shows_how_many_owners_it_lost_and_whom(
    losses: int, most: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = ["agent.a", "agent.b"] if losses else []
    task = assignment_pb2.Task(task_id="task.1", losses=losses, max_losses=most, lost_owners=lost)
    found = task_info(task)
    assert (found.losses, found.lost_owners) == (losses, tuple(lost))
    show_task(found)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("losses")]
    assert [line.partition("losses")[2].strip() for line in lines] == [told] * bool(told)


LONG = "KeyError: 'id' " + "x" * 1900 + " the end"


def test_a_task_shows_the_whole_text_of_its_failure(capsys: pytest.CaptureFixture[str]) -> None:
    failed = assignment_pb2.TASK_STATUS_FAILED
    task = task_info(assignment_pb2.Task(task_id="task.1", status=failed, why=LONG))
    assert task.why == LONG
    show_task(task)
    assert f"why      {LONG}" in capsys.readouterr().out


def test_a_failure_of_several_lines_stays_readable_and_passes_for_no_line_of_the_output(
    capsys: pytest.CaptureFixture[str],
) -> None:
    why = "Traceback:\nresult\x1b[31m\n[urgent]"
    show_task(task_info(assignment_pb2.Task(task_id="task.1", why=why)))
    lines = capsys.readouterr().out.splitlines()
    assert lines[lines.index("why") + 1 :] == ["  Traceback:", r"  result\x1b[31m", "  [urgent]"]


def test_progress_says_why_an_attempt_failed_in_one_line() -> None:
    why = "no\nsuch column " + "x" * 200
    task = assignment_pb2.Task(task_id="task.1", reason="retryable_failure", why=why)
    said = progress_of(task_info(task))
    assert "because retryable_failure: no such column x" in said
    assert said.endswith("…")


def failed(why: str) -> audit_pb2.AuditEvent:
    detail = struct_of({"why": why, "lost": [{"participant": "agent.a"}], "attempt": 1})
    return audit_pb2.AuditEvent(sequence=7, type="TASK_FAILED", task="task.1", detail=detail)


def test_lineage_has_the_whole_failure_in_a_pipe_and_everything_where_asked() -> None:
    piped = [line for line, _ in lineage_lines("task.1", [failed(LONG)])]
    assert any(line.strip() == f"why {LONG}" for line in piped)
    full = [line.strip() for line, _ in lineage_lines("task.1", [failed(LONG)], whole)]
    assert f"why {LONG}" in full
    assert 'lost [{"participant": "agent.a"}]' in full


def test_lineage_cuts_a_text_where_a_terminal_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phoenix_dma.cli.output._width", lambda: 100)
    shown = [line for line, _ in lineage_lines("task.1", [failed(LONG)])]
    assert max(map(len, shown)) <= 100
    assert any(line.endswith("x…") for line in shown)
    assert any(LONG in line for line, _ in lineage_lines("task.1", [failed(LONG)], whole))


def test_an_event_of_the_audit_says_everything_where_asked() -> None:
    first, *rest = event_lines(failed(LONG))
    assert first.startswith("7  ")
    assert f"    why {LONG}" in rest

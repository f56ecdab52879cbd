"""The command line's table of commands says what the modules do."""

import pytest
from typer.main import get_command

from phoenix_dma.briefing import task_info
from phoenix_dma.cli import COMMANDS, build, commands_of, spelled_out
from phoenix_dma.cli.tasks import show_task
from phoenix_dma.v1 import assignment_pb2

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

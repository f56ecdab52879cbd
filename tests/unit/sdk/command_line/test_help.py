"""Every command's ``--help``, as somebody new reads it: what it does, what each option means."""

import re
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from phoenix_dma.cli import COMMANDS, build, commands_of


def commands() -> Iterator[tuple[str, Any]]:
    """Every command and every group, by what is typed."""
    for module in sorted({module for module, _ in COMMANDS.values()}):
        for name, command in commands_of([module]).items():
            yield name, command
            for inner, sub in getattr(command, "commands", {}).items():
                yield f"{name} {inner}", sub


EVERY = dict(commands())


@pytest.mark.parametrize("name", EVERY)
def test_a_command_says_in_a_sentence_what_it_does(name: str) -> None:
    summary = " ".join((EVERY[name].help or "").split("\n\n")[0].split())
    assert re.fullmatch(r"[A-Z`].*[^.]\.", summary), summary


@pytest.mark.parametrize("name", EVERY)
def test_every_option_and_argument_says_what_it_means(name: str) -> None:
    silent = [
        parameter.name
        for parameter in EVERY[name].params
        if not re.fullmatch(r".*\w.*[.…]", parameter.help or "", re.DOTALL)
    ]
    assert silent == []


@pytest.mark.parametrize("name", EVERY)
def test_the_help_is_shown_in_full(name: str) -> None:
    shown = CliRunner().invoke(build(), [*name.split(), "--help"])
    assert (shown.exit_code, shown.stderr) == (0, "")
    words = " ".join(shown.stdout.split())
    for parameter in EVERY[name].params:
        assert " ".join((parameter.help or "").split()) in words, parameter.name


@pytest.mark.parametrize("name", EVERY)
def test_an_option_that_is_repeatable_says_so(name: str) -> None:
    silent = [
        parameter.name
        for parameter in EVERY[name].params
        if parameter.multiple and "Repeatable" not in (parameter.help or "")
    ]
    assert silent == []


def test_the_application_says_what_it_is_and_its_exit_codes() -> None:
    shown = CliRunner().invoke(build(), ["--help"])
    words = " ".join(shown.stdout.split())
    assert "130 interrupted" in words
    assert all(f"{name} " in words for name in get_command(build()).list_commands(None))  # type: ignore[attr-defined,arg-type]


def test_the_version_is_the_installed_packages() -> None:
    shown = CliRunner().invoke(build(), ["--version"])
    assert (shown.exit_code, shown.stdout) == (0, f"phoenix-dma {version('phoenix-dma')}\n")


@pytest.mark.parametrize("name", [name for name in EVERY if hasattr(EVERY[name], "commands")])
def test_a_group_lists_its_commands_with_whole_sentences(name: str) -> None:
    shown = CliRunner().invoke(build(), [*name.split(), "--help"])
    assert "..." not in shown.stdout.partition("Commands:")[2]


@pytest.mark.parametrize("name", EVERY)
def test_an_example_stands_on_one_line(name: str) -> None:
    shown = CliRunner().invoke(build(), [*name.split(), "--help"])
    told = [part.strip() for part in (EVERY[name].help or "").split("\n\n")]
    examples = [part for part in told if part.startswith(("phoenix-dma ", "curl "))]
    assert [one for one in examples if one not in shown.stdout] == []

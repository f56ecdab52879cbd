"""The command line's table of modules says what the modules do."""

import pytest
import typer

from phoenix_dma.cli import MODULES, build


@pytest.mark.parametrize("module", MODULES)
def test_a_module_registers_the_commands_that_the_table_names_for_it(module: str) -> None:
    group = typer.main.get_command(build([module]))
    assert isinstance(group, typer.core.TyperGroup)
    assert set(group.commands) == set(MODULES[module])

"""``phoenix-dma run``: runs a participant's script, with `load_context` and given functions."""

from __future__ import annotations

import importlib.util
import logging
import runpy
import sys
import traceback
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Annotated, Any

import typer

from phoenix_dma.cli import end_refused
from phoenix_dma.cli.calls import say_what_is_missing
from phoenix_dma.cli.identity.run_profile import take_own_profile
from phoenix_dma.cli.output import bad, print_error
from phoenix_dma.current import load_context
from phoenix_dma.log import announcements, configure_text_log


def register(app: typer.Typer) -> None:
    """Add the command."""
    settings = {"allow_interspersed_args": True, "ignore_unknown_options": False}
    app.command(context_settings=settings)(run)


Script = Annotated[
    Path, typer.Argument(help="The script, run unmodified.", exists=True, dir_okay=False)
]
Roles = Annotated[
    list[str] | None,
    typer.Option(
        "--role", help="What it may do beside taking part: submitter or auditor. Repeatable."
    ),
]


def run(
    script: Script,
    arguments: Annotated[
        list[str] | None, typer.Argument(help="Arguments of the script, after --.")
    ] = None,
    supplied: Annotated[
        list[Path] | None,
        typer.Option(
            "--with",
            help="A module whose public names the script finds as globals. Repeatable.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    roles: Roles = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Log what the SDK does.")] = False,
) -> None:
    """Run a participant's script, with `load_context` and your own functions.

    It runs with a profile of its own, which can be the first participant that it registers and
    nothing more. It stays alive while it has handlers; Ctrl-C or SIGTERM lets it drain and send
    Goodbye. Exit codes: 0 it has left, 4 superseded by a newer registration, 5 retired by somebody
    else.

        phoenix-dma run figure3.py --with validators.py
    """
    configure_text_log(logging.INFO if verbose else logging.WARNING)
    announcements.always = True
    _prepare(roles or [])
    names: dict[str, Any] = {"load_context": load_context}
    for path in supplied or []:
        names |= public_names(load(path))
    sys.argv = [str(script), *(arguments or [])]
    sys.path.insert(0, str(script.resolve().parent))  # as python itself does for a script
    sys.excepthook = print_traceback
    runpy.run_path(str(script), init_globals=names, run_name="__main__")


def _prepare(roles: list[str]) -> None:
    """Take a profile of its own; so far nothing that fails is the script's own."""
    try:
        say_what_is_missing()
        take_own_profile(roles)
    except Exception as error:
        end_refused(error)
        raise


def print_traceback(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Print a traceback of the script as Python prints it, with stored text spelled out."""
    print_error("".join(traceback.format_exception(kind, error, trace)).rstrip())


def load(path: Path) -> ModuleType:
    """The module in a file, importable by its name from then on."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise bad(f"{path} is no Python module", "--with")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    sys.path.insert(0, str(path.resolve().parent))
    spec.loader.exec_module(module)
    return module


def public_names(module: ModuleType) -> dict[str, Any]:
    """The names that ``from module import *`` imports, without modules."""
    named = getattr(module, "__all__", None)
    names = named if named is not None else [n for n in vars(module) if not n.startswith("_")]
    found = {name: getattr(module, name) for name in names}
    return {name: value for name, value in found.items() if not isinstance(value, ModuleType)}

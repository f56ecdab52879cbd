"""The command line, ``phoenix-dma``: every module in `MODULES` registers its commands."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Final

import typer

MODULES: Final[Mapping[str, tuple[str, ...]]] = {
    "runtime": ("up", "down", "status"),
    "tokens": ("token",),
    "run": ("run",),
    "participants": ("participants", "retire", "discover"),
    "tasks": ("tasks", "handoff"),
    "submit": ("submit", "explain"),
    "approvals": ("approvals",),
    "audit": ("audit", "lineage"),
    "certify": ("certify",),
    "catalogue": ("catalogue",),
}
"""Modules of this package and their commands; each has ``register(app: typer.Typer) -> None``."""


def build(modules: Iterable[str] = MODULES) -> typer.Typer:
    """Return the application with the commands of ``modules``."""
    app = typer.Typer(
        name="phoenix-dma",
        help="Phoenix DMA Runtime: governed dynamic membership.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,  # plain help: importing what draws boxes takes longer than the help
        pretty_exceptions_enable=False,  # shows locals, which hold tokens and passwords
    )
    app.callback()(_group)
    for name in modules:
        import_module(f"{__name__}.{name}").register(app)
    return app


def main() -> None:
    """Run the command line."""
    asked = sys.argv[1] if len(sys.argv) > 1 else ""
    # Only the module of the command asked for is imported: each import costs start-up time.
    wanted = [name for name, commands in MODULES.items() if asked in commands]
    build(wanted or MODULES)()


def _group() -> None:
    """Phoenix DMA Runtime: governed dynamic membership."""
    # Without a callback an application with one command would take no command's name.

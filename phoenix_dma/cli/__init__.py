"""The command line, ``phoenix-dma``: every module in `MODULES` registers its commands."""

from __future__ import annotations

from importlib import import_module
from typing import Final

import typer

MODULES: Final = (
    "house",
    "tokens",
    "run",
    "participants",
    "tasks",
    "submit",
    "approvals",
    "audit",
    "certify",
)
"""Modules of this package; each has ``register(app: typer.Typer) -> None``."""


def build() -> typer.Typer:
    """Return the application with every command."""
    app = typer.Typer(
        name="phoenix-dma",
        help="Phoenix DMA Runtime: governed dynamic membership.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_show_locals=False,  # locals hold tokens and passwords
    )
    for name in MODULES:
        import_module(f"{__name__}.{name}").register(app)
    return app


def main() -> None:
    """Run the command line."""
    build()()

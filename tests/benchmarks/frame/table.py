"""Figures as a table for people, as Markdown for the docs, as JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.table import Table

from tests.benchmarks.frame.figures import Figure, shown

COLUMNS: Final = ("what", "figure", "unit", "bar", "reached", "peer", "ratio", "note")
WIDEST: Final = 48
"""Letters of what was measured that stand on one line."""
REACHED: Final[Mapping[bool | None, str]] = {True: "yes", False: "no", None: "–"}


def cells(figure: Figure) -> tuple[str, ...]:
    """One row, a text for each of `COLUMNS`."""
    peer, ratio = figure.peer, figure.ratio
    return (
        figure.what,
        shown(figure.value) + (" *" if figure.steady else ""),
        figure.unit,
        figure.bar or "–",
        REACHED[figure.reached] if figure.bars else "–",
        "–" if peer is None else f"{peer.name}: {peer_value(figure)}",
        "–" if ratio is None else f"{shown(ratio)} ×",
        figure.note,
    )


def peer_value(figure: Figure) -> str:
    """The peer's figure, or that it is not here."""
    if figure.peer is None or figure.peer.value is None:
        return "not here"
    return shown(figure.peer.value)


def table(figures: Sequence[Figure], title: str) -> Table:
    """For people: one section a family; a star marks what does not depend on the machine's load."""
    made = Table(title=title, caption="* does not depend on what else the machine does")
    for column in COLUMNS:
        right = column in {"figure", "ratio"}
        wide = WIDEST if column == "what" else None
        made.add_column(
            column, justify="right" if right else "left", overflow="fold", min_width=wide
        )
    family = ""
    for figure in figures:
        if figure.family != family:
            made.add_section()
            made.add_row(f"[bold]{figure.family}[/bold]")
            family = figure.family
        style = "red" if figure.reached is False else None
        made.add_row(*cells(figure), style=style)
    return made


def markdown(figures: Sequence[Figure]) -> str:
    """For `docs/performance.md`."""
    lines = [
        f"| family | {' | '.join(COLUMNS)} |",
        f"|{' --- |' * (1 + len(COLUMNS))}",
    ]
    lines += [f"| {figure.family} | {' | '.join(cells(figure))} |" for figure in figures]
    return "\n".join(lines)


def record(figure: Figure) -> dict[str, Any]:
    """For programs: plain values."""
    peer = figure.peer
    return {
        "family": figure.family,
        "what": figure.what,
        "value": figure.value,
        "unit": figure.unit,
        "steady": figure.steady,
        "bar": figure.bar,
        "reached": figure.reached,
        "peer": None if peer is None else {"name": peer.name, "value": peer.value},
        "ratio": figure.ratio,
        "note": figure.note,
    }

"""Figures, the bars that they have to reach, and the families of rows that measure them."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

PER: Final[Mapping[str, str]] = {"at least": "≥", "at most": "≤"}


@dataclass(frozen=True, slots=True)
class Peer:
    """What a neighbour's product needed for the same in the same run; None where it is absent."""

    name: str
    value: float | None


@dataclass(frozen=True, slots=True)
class Bar:
    """A limit: of the figure itself or, with ``of_peer``, of the peer's in the same run."""

    direction: str
    """``at least`` or ``at most``."""
    limit: float
    of_peer: bool = False

    def reached(self, value: float, peer: Peer | None) -> bool | None:
        """Whether ``value`` reaches it; None where there is no peer to compare with."""
        limit = self.limit
        if self.of_peer:
            if peer is None or peer.value is None:
                return None
            limit *= peer.value
        return value >= limit if self.direction == "at least" else value <= limit

    def text(self, peer: Peer | None) -> str:
        """For the table, such as ``≥ 2 × Temporal``."""
        said = f"{PER[self.direction]} {self.limit:g}"
        return f"{said} × {peer.name}" if self.of_peer and peer is not None else said


def at_least(limit: float) -> tuple[Bar, ...]:
    """The figure reaches ``limit`` or more."""
    return (Bar("at least", limit),)


def at_most(limit: float) -> tuple[Bar, ...]:
    """The figure is ``limit`` or less."""
    return (Bar("at most", limit),)


def times_peer(limit: float) -> tuple[Bar, ...]:
    """The figure is at least ``limit`` times the peer's."""
    return (Bar("at least", limit, of_peer=True),)


def part_of_peer(limit: float) -> tuple[Bar, ...]:
    """The figure is at most ``limit`` times the peer's."""
    return (Bar("at most", limit, of_peer=True),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One row: what was measured, beside its bars and its peer.

    ``steady`` is true where the figure does not depend on what else the machine does: statements,
    commits, processor time and bytes.
    """

    what: str
    value: float
    unit: str
    bars: tuple[Bar, ...] = ()
    peer: Peer | None = None
    steady: bool = False
    note: str = ""
    family: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times the peer's figure it is; None where the peer is absent."""
        if self.peer is None or not self.peer.value:
            return None
        return self.value / self.peer.value

    @property
    def reached(self) -> bool | None:
        """Whether it reaches all of its bars; None where nothing can be said."""
        judged = [bar.reached(self.value, self.peer) for bar in self.bars]
        if False in judged:
            return False
        return None if not judged or None in judged else True

    @property
    def bar(self) -> str:
        """All of its bars for the table."""
        return " and ".join(bar.text(self.peer) for bar in self.bars)


def shown(value: float) -> str:
    """A number as people read it: three figures that count, thousands apart."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{digits}f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How thorough a run is, and whom it tells what it does.

    ``minutes`` is the length of a soak; ``twins`` gives each service two replicas where a crowd is
    measured; ``bundle`` is a policy bundle to compare the shipped one with.
    """

    quick: bool = False
    full: bool = False
    twins: bool = False
    minutes: float = 30.0
    bundle: Path | None = None
    say: Callable[[str], None] = field(default=lambda text: None)

    def choose(self, usual: int, quick: int) -> int:
        """``quick`` in a quick run, which only shows that everything works."""
        return quick if self.quick else usual

    @property
    def seconds(self) -> float:
        """For how long one row is under load."""
        return 2.0 if self.quick else 10.0


Measure = Callable[[Run], AsyncIterator[Figure]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Rows that are measured together: ``measure`` yields each as soon as it is known.

    ``default`` is false for what is measured only where it is asked for by name.
    """

    name: str
    asks: str
    measure: Measure
    peers: tuple[str, ...] = ()
    default: bool = True

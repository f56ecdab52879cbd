"""Draws which faults are injected and when, from a seed, so that a plan can be repeated."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Injection:
    """One fault, ``after`` seconds of quiet."""

    fault: str
    after: float


def plan(seed: int, faults: Iterable[str], rounds: int) -> Sequence[Injection]:
    """Every fault once a round, each round in an order of its own."""
    chance = random.Random(seed)  # noqa: S311  # it has to be repeatable, not secret
    names = sorted(faults)
    drawn: list[Injection] = []
    for _ in range(rounds):
        chance.shuffle(names)
        drawn += [Injection(name, round(chance.uniform(0.5, 2.0), 2)) for name in names]
    return drawn

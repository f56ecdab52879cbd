"""Scores that explain themselves (style rule 4): a weighted sum of terms, each with a sentence."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Term:
    """One component of a score. ``value`` and ``weight`` are in [0, 1]."""

    name: str
    value: float
    weight: float
    because: str
    evidence: tuple[str, ...] = ()
    """Ids of the audit events that the value rests on, newest first, a bounded few."""

    def __post_init__(self) -> None:
        if not (0.0 <= self.value <= 1.0 and 0.0 <= self.weight <= 1.0):
            raise ValueError(f"{self.name}: value {self.value} or weight {self.weight} not in 0..1")


@dataclass(frozen=True, slots=True)
class Score:
    """A weighted sum of terms; its weights sum to 1, so it is in [0, 1] too."""

    total: float
    terms: tuple[Term, ...]


def weigh(terms: Iterable[Term]) -> Score:
    """Sum ``terms``; raises ValueError unless their weights sum to 1."""
    chosen = tuple(terms)
    if abs(sum(term.weight for term in chosen) - 1.0) > 1e-9:
        raise ValueError("the weights of a score sum to 1")
    total = sum(term.value * term.weight for term in chosen)
    return Score(min(1.0, max(0.0, total)), chosen)

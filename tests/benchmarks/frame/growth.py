"""How a cost grows with a size: which of the usual laws fits best."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

LAWS: Final[Mapping[str, Callable[[float], float]]] = {
    "O(1)": lambda size: 0.0,
    "O(log n)": math.log,
    "O(n)": lambda size: size,
    "O(n²)": lambda size: size * size,
}
"""The simplest first. Figures that are a little noisy do not tell O(n log n) from O(n)."""
FLAT: Final = 0.25
"""What varies by less than this part of itself over all sizes is called constant."""
BETTER: Final = {"O(1)": 1.0, "O(log n)": 1.25, "O(n)": 1.25, "O(n²)": 2.0}
"""How many times smaller the error of a law has to be than that of a simpler one: with some noise,
and few sizes, what bends a little more always fits a little better."""


@dataclass(frozen=True, slots=True)
class Growth:
    """The law that fits, and the exponent of the power law through all points.

    ``factor`` is the cost at the largest size in costs at the smallest; ``error`` the root of the
    mean square of relative errors.
    """

    law: str
    exponent: float
    factor: float
    error: float


def growth_of(sizes: Sequence[float], costs: Sequence[float], symbol: str = "n") -> Growth:
    """Fit ``costs = a + b × law(sizes)``, b ≥ 0; answers the simplest that fits well.

    ``sizes`` ascend. Raises ValueError for fewer than three sizes, or a cost that is not positive.
    """
    if len(sizes) < 3 or len(sizes) != len(costs) or min(costs) <= 0:
        raise ValueError("growth needs three sizes or more, and a cost above zero for each")
    errors = {law: _error(shape, sizes, costs) for law, shape in LAWS.items()}
    law = "O(1)"
    for steeper, error in errors.items():
        if error * BETTER[steeper] < errors[law]:
            law = steeper
    if max(costs) / min(costs) < 1 + FLAT:
        law = "O(1)"
    exponent = float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])
    return Growth(law.replace("n", symbol), exponent, costs[-1] / costs[0], errors[law])


def _error(
    shape: Callable[[float], float], sizes: Sequence[float], costs: Sequence[float]
) -> float:
    """The relative error of the best fit of one law."""
    cost = np.array(costs)
    shaped = np.array([shape(size) for size in sizes])
    start, slope = float(np.average(cost, weights=cost**-2.0)), 0.0
    if shaped.any():
        rising, at_zero = np.polyfit(shaped, cost, 1, w=1 / cost)
        if rising > 0:
            start, slope = float(at_zero), float(rising)
    return float(np.sqrt(np.mean(((start + slope * shaped) / cost - 1) ** 2)))

"""All families of rows, in the order in which they are measured."""

from __future__ import annotations

from typing import Final

from tests.benchmarks import (
    adapters,
    beats,
    calls,
    checkpoint,
    cycle,
    deaths,
    discovery,
    floods,
    idle,
    ledger,
    paced,
    partitions,
    policy,
    register,
    streams,
    takeover,
)
from tests.benchmarks.frame.figures import Family
from tests.benchmarks.growth import family as growth
from tests.benchmarks.soak import family as soak

FAMILIES: Final[tuple[Family, ...]] = tuple(
    module.FAMILY
    for module in (
        cycle,
        idle,
        calls,
        register,
        checkpoint,
        discovery,
        takeover,
        beats,
        paced,
        deaths,
        streams,
        policy,
        ledger,
        floods,
        partitions,
        adapters,
        growth,
        soak,
    )
)

"""Measures one family after the other; one that fails does not end the others."""

from __future__ import annotations

import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from grpc.aio import AioRpcError

from tests.benchmarks.frame.figures import Family, Figure, Run, shown


@dataclass(slots=True)
class Measured:
    """What came of it: figures, peers that are not here, families that failed and why."""

    figures: list[Figure] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


async def measured(families: Sequence[Family], run: Run, absent: Sequence[str]) -> Measured:
    """Measure them in order, and tell each figure as soon as it is known."""
    found = Measured(absent=list(absent))
    for number, family in enumerate(families, 1):
        run.say(f"== {family.name} ({number} of {len(families)}): {family.asks}")
        begun = time.monotonic()
        try:
            async for figure in family.measure(run):
                found.figures.append(replace(figure, family=family.name))
                run.say(f"   {figure.what}: {shown(figure.value)} {figure.unit}")
        except Exception as error:  # noqa: BLE001  # whatever it is, it is one family's
            run.say("".join(traceback.format_exception(error)))
            found.failed[family.name] = reason(error)
        run.say(f"   {family.name} took {time.monotonic() - begun:.0f} s")
    return found


def reason(error: Exception) -> str:
    """Why a family could not be measured, in one line."""
    said = error.details() if isinstance(error, AioRpcError) else str(error)
    return f"{type(error).__name__}: {(said or '').partition(chr(10))[0]}"

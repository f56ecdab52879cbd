"""The rows of Table 4: the exponent that was measured, the law that fits, beside the paper's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

from tests.benchmarks.frame.figures import Family, Figure, Run, shown
from tests.benchmarks.frame.growth import growth_of
from tests.benchmarks.growth.by_participants import by_participants
from tests.benchmarks.growth.by_size import Held, by_size
from tests.benchmarks.growth.by_tasks import by_tasks
from tests.benchmarks.growth.stage import stage

PARTICIPANTS: Final = (100, 1_000, 10_000)
KIBIBYTES: Final = (1, 16, 128, 900)
TASKS: Final = (1, 2, 4, 8, 16)
FEW_PARTICIPANTS: Final = (50, 200, 800)
FEW_KIBIBYTES: Final = (1, 16, 128)
FEW_TASKS: Final = (1, 2, 4)
PAIR: Final = ("agent.one", "agent.other")
PAPER: Final[Mapping[tuple[str, str], str]] = {
    ("RegisterParticipant", "n"): "O(log n)",
    ("DiscoverParticipants", "n"): "O(n)",
    ("AssignTask", "n"): "O(n)",
    ("CheckpointContext", "S"): "O(S)",
    ("InitiateHandoff", "n"): "O(n + S)",
    ("InitiateHandoff", "S"): "O(n + S)",
    ("RetireParticipant", "k"): "O(k(n + S))",
}
"""Table 4, by algorithm and the size that was varied: n participants, S KiB, k tasks."""


async def measure(run: Run) -> AsyncIterator[Figure]:
    """Retirement while nobody else is there, then S, then n, which grows."""
    participants = FEW_PARTICIPANTS if run.quick else PARTICIPANTS
    kibibytes = FEW_KIBIBYTES if run.quick else KIBIBYTES
    tasks = FEW_TASKS if run.quick else TASKS
    async with stage() as made:
        run.say(f"growth: retirement of {', '.join(map(str, tasks))} tasks")
        yield figure("RetireParticipant", "k", tasks, await by_tasks(made, tasks))
        pair = [await made.scenario.participant(name, capacity=64) for name in PAIR]
        held = Held(made, "task.handed.over", pair)
        await held.begin()
        run.say(f"growth: contexts of {', '.join(map(str, kibibytes))} KiB")
        for name, costs in (await by_size(made, held, kibibytes)).items():
            yield figure(name, "S", kibibytes, costs)
        await held.write(1024, 1)
        run.say(f"growth: {', '.join(map(str, participants))} participants")
        for name, costs in (await by_participants(made, held, PAIR, participants)).items():
            yield figure(name, "n", participants, costs)


def figure(name: str, symbol: str, sizes: Sequence[int], costs: Sequence[float]) -> Figure:
    """One line of the table."""
    growth = growth_of(sizes, costs, symbol)
    measured = ", ".join(
        f"{size:,}: {shown(cost)}" for size, cost in zip(sizes, costs, strict=True)
    )
    return Figure(
        what=f"{name} against {symbol}",
        value=growth.exponent,
        unit=f"exponent of {symbol}",
        steady=True,
        note=f"{growth.law}, paper {PAPER[name, symbol]}; ms by {symbol}: {measured}",
    )


FAMILY = Family(name="growth", asks="How do costs grow? Table 4 of the paper", measure=measure)

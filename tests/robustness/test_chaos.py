"""Every fault once under traffic, in an order that the seed draws; `make chaos` goes on for longer.

The short form plays three faults; the others have families of their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.robustness.chaos.__main__ import complaints, table_of
from tests.robustness.chaos.faults import FAULTS
from tests.robustness.chaos.history import Acknowledged, History
from tests.robustness.chaos.plan import plan
from tests.robustness.chaos.play import Injected, Outcome, RuntimeWith, play
from tests.support.processes.breakable_runtime import breakable_runtime
from tests.support.processes.replicated_runtime import replicated_runtime

SEED = 20_693_483
SHORT = ("agents are killed", "everything is killed", "the policy engine is killed")


def test_the_same_seed_draws_the_same_plan_and_another_one_another() -> None:
    assert plan(7, FAULTS, 3) == plan(7, FAULTS, 3)
    assert plan(7, FAULTS, 3) != plan(8, FAULTS, 3)
    drawn = [injection.fault for injection in plan(7, FAULTS, 2)]
    assert sorted(drawn) == sorted([*FAULTS, *FAULTS])


def test_what_is_lost_is_told_beside_the_fault_in_whose_time_it_was_acknowledged() -> None:
    first, second = (Acknowledged(at, "t", "checkpointed", "task.1") for at in (1.5, 4.0))
    outcome = Outcome(
        injected=[Injected("a", 1.0, 2.0, 0.5), Injected("b", 3.0, 3.5, None)],
        acknowledged=[first, second],
        lost=[second],
    )
    rows = zip(*(column.cells for column in table_of(outcome).columns), strict=True)
    assert list(rows) == [("a", "1", "1", "0", "0.5 s"), ("b", "1", "1", "1", "never")]
    assert not outcome.holds
    assert [line.partition(":")[0] for line in complaints(outcome)] == ["lost"]


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("faults", "runtime_with"),
    [
        pytest.param(SHORT, breakable_runtime, id="a few"),
        pytest.param(FAULTS, breakable_runtime, id="every one", marks=pytest.mark.long),
        pytest.param(FAULTS, replicated_runtime, id="every one twice", marks=pytest.mark.long),
    ],
)
async def test_whatever_dies_or_hangs_nothing_acknowledged_is_lost_and_work_goes_on(
    tmp_path: Path, faults: Iterable[str], runtime_with: RuntimeWith
) -> None:
    history = History(tmp_path / "history.jsonl")
    drawn = plan(SEED, faults, 1)
    outcome = await play(drawn, history, SEED, runtime_with=runtime_with)
    assert outcome.acknowledged
    went_on = {one.fault: one.went_on for one in outcome.injected}
    assert outcome.holds, "\n".join([str(went_on), *complaints(outcome), str(history.path)])

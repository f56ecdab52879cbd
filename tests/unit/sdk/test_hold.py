"""A hold on a task: lost for good, and lost as soon as the lease cannot be known to stand."""

import pytest

from phoenix_dma.aio.hold import Hold
from phoenix_dma.errors import AssignmentLost


def test_a_write_is_refused_from_the_moment_the_lease_has_run_out_though_no_timer_has_fired() -> (
    None
):
    leases = [True]
    hold = Hold("task.1", 3, lambda: leases[0])
    hold.require()
    leases[0] = False
    assert hold.lost
    with pytest.raises(AssignmentLost) as lost:
        hold.require()
    assert lost.value.facts == {"task_id": "task.1", "epoch": "3"}


def test_whoever_asked_to_be_told_is_told_once() -> None:
    told: list[str] = []
    hold = Hold("task.1", 3, lambda: True)
    hold.when_lost(lambda: told.append(hold.why))
    hold.lose("somebody else has it")
    hold.lose("again")
    assert told == ["somebody else has it"]


def test_a_lost_hold_does_not_come_back_with_the_lease() -> None:
    hold = Hold("task.1", 3, lambda: True)
    hold.lose("somebody else has it")
    with pytest.raises(AssignmentLost, match="somebody else has it"):
        hold.require()

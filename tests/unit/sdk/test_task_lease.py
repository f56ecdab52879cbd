"""A task lease: lost for good, and lost as soon as the participant's lease may have expired."""

import pytest

from phoenix_dma.aio.work.task_lease import TaskLease
from phoenix_dma.errors import AssignmentLost


def test_a_write_is_refused_from_the_moment_the_lease_has_run_out_though_no_timer_has_fired() -> (
    None
):
    participant_lease = [True]
    lease = TaskLease("task.1", 3, lambda: participant_lease[0])
    lease.require()
    participant_lease[0] = False
    assert lease.lost
    with pytest.raises(AssignmentLost) as lost:
        lease.require()
    assert lost.value.facts == {"task_id": "task.1", "epoch": "3"}


def test_a_callback_is_called_once_with_the_first_reason() -> None:
    reasons: list[str] = []
    lease = TaskLease("task.1", 3, lambda: True)
    lease.on_lost(lambda: reasons.append(lease.reason))
    lease.lose("somebody else has it")
    lease.lose("again")
    assert reasons == ["somebody else has it"]


def test_a_lost_task_does_not_come_back_with_the_lease() -> None:
    lease = TaskLease("task.1", 3, lambda: True)
    lease.lose("somebody else has it")
    with pytest.raises(AssignmentLost, match="somebody else has it"):
        lease.require()

"""A worker works on the rows that it has claimed, while the claim is its own."""

from collections.abc import Sequence
from datetime import datetime

from assignment_svc.workers.row_worker import WIDTH, RowKind, RowWorker
from phoenix_runtime.core.clock import ManualClock
from phoenix_runtime.core.durations import CLAIM_DURATION
from phoenix_runtime.core.principal import Call
from tests.support.builders.calls import call_of


async def test_a_row_whose_turn_comes_when_its_claim_is_nearly_over_is_left_to_the_next() -> None:
    clock = ManualClock()
    begun: list[str] = []

    async def claim(now: datetime, *, limit: int) -> Sequence[tuple[str, str]]:
        return [("t1", f"task.{number}") for number in range(3 * WIDTH)]

    async def work(_: Call, row_id: str) -> None:
        begun.append(row_id)
        clock.advance(CLAIM_DURATION.total_seconds() / WIDTH / 3)

    kind = RowKind("tasks", claim, work)
    worker = RowWorker(kind, clock=clock, call=lambda tenant: call_of(tenant=tenant))
    assert await worker.step(), "there is more to do"
    assert begun == [f"task.{number}" for number in range(len(begun))]
    assert WIDTH <= len(begun) < 2 * WIDTH


async def test_no_more_is_claimed_than_can_be_worked_on_before_the_claim_is_over() -> None:
    asked: list[int] = []

    async def claim(now: datetime, *, limit: int) -> Sequence[tuple[str, str]]:
        asked.append(limit)
        return []

    async def work(_: Call, row_id: str) -> None:
        raise AssertionError(row_id)

    clock = ManualClock()
    kind = RowKind("tasks", claim, work)
    worker = RowWorker(kind, clock=clock, call=lambda tenant: call_of(tenant=tenant))
    assert not await worker.step()
    assert asked == [2 * WIDTH]

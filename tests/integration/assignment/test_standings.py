"""Standings are applied in heaps: read together, and only what has to change is locked."""

import asyncio

from assignment_svc.domain.states import TaskStatus
from assignment_svc.usecases.initiate_handoff import Initiation
from phoenix_runtime.core.standing import ParticipantStatus
from tests.support.assignment_house import AssignmentHouse
from tests.support.row_locks import held
from tests.support.until import until

CROWD = 12


async def busy(house: AssignmentHouse, number: int) -> tuple[str, str]:
    """A participant at work on a task of its own: both names."""
    name, task_id = f"agent.{number:02d}", f"task.{number:02d}"
    house.registry.join(name)
    await house.active(task_id)
    return name, task_id


async def test_of_many_that_fail_together_each_task_loses_its_owner_after_one_question(
    house: AssignmentHouse,
) -> None:
    crowd = dict([await busy(house, number) for number in range(CROWD)])
    for name in crowd:
        house.registry.change(name, status=ParticipantStatus.FAILED)
    asked: list[int] = []

    async def ask() -> None:
        asked.append(1)
        house.registry.before["standings"] = ask

    house.registry.before["standings"] = ask
    await house.reconcile.participants(house.engine, list(crowd))
    assert asked == [1]
    for task_id in crowd.values():
        task = await house.task(task_id)
        assert (task.status, task.owner_id) == (TaskStatus.MIGRATING, "")
        assert (await house.story(task_id)).count("HANDOFF_INITIATED") == 1


async def test_a_standing_that_changes_nothing_waits_for_no_lock(house: AssignmentHouse) -> None:
    name, task_id = await busy(house, 1)
    await house.reconcile(house.engine)
    gate = {"tenant": house.tenant, "participant_id": name}
    row = {"tenant": house.tenant, "task_id": task_id}
    async with (
        held(house.admin_url, "assignment.gates", **gate),
        held(house.admin_url, "assignment.tasks", **row),
        asyncio.timeout(4),  # less than a lock is waited for
    ):
        await house.reconcile(house.engine)


async def test_a_task_that_somebody_else_is_at_keeps_no_other_from_moving(
    house: AssignmentHouse,
) -> None:
    crowd = dict([await busy(house, number) for number in range(3)])
    for name in crowd:
        house.registry.change(name, status=ParticipantStatus.FAILED)
    row = {"tenant": house.tenant, "task_id": "task.00"}
    async with held(house.admin_url, "assignment.tasks", **row) as first:
        round_ = asyncio.create_task(house.reconcile(house.engine))

        async def others_moved() -> bool:
            tasks = [await house.task(task_id) for task_id in ("task.01", "task.02")]
            return all(task.status is TaskStatus.MIGRATING for task in tasks)

        await until(others_moved, 4)
        assert (await house.task("task.00")).status is TaskStatus.ACTIVE
        await first.release()
        await round_
    assert (await house.task("task.00")).status is TaskStatus.MIGRATING


async def test_room_for_others_does_not_cut_the_time_of_a_last_checkpoint_short(
    house: AssignmentHouse,
) -> None:
    name, task_id = await busy(house, 1)
    house.registry.join("agent.next")
    asked = Initiation(task_id, name, "requested")
    began = (await house.handoffs.initiate(house.operator, asked)).handoff
    await house.hasten(house.engine)
    handoff = (await house.handoffs.get(house.operator, began.handoff_id)).handoff
    assert handoff.next_try_at == began.next_try_at
    assert (await house.task(task_id)).status is TaskStatus.ACTIVE

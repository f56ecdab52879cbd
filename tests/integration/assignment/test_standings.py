"""Standings are applied in heaps: read together, and only what has to change is locked."""

import asyncio
from dataclasses import replace

from assignment_svc.domain.gate import Gate
from assignment_svc.domain.states import TaskStatus
from assignment_svc.usecases.handoff.initiate_handoff import HandoffRequest
from phoenix_runtime.core.standing import ParticipantStatus
from tests.support.servers.assignment_service import AssignmentService
from tests.support.waiting.row_locks import held
from tests.support.waiting.until import PATIENCE, until

CROWD = 12


async def busy(assignment: AssignmentService, number: int) -> tuple[str, str]:
    """A participant at work on a task of its own: both names."""
    name, task_id = f"agent.{number:02d}", f"task.{number:02d}"
    assignment.registry.join(name)
    await assignment.active(task_id)
    return name, task_id


async def test_of_many_that_fail_together_each_task_loses_its_owner_after_one_question(
    assignment: AssignmentService,
) -> None:
    crowd = dict([await busy(assignment, number) for number in range(CROWD)])
    for name in crowd:
        assignment.registry.change(name, status=ParticipantStatus.FAILED)
    asked: list[int] = []

    async def ask() -> None:
        asked.append(1)
        assignment.registry.before["standings"] = ask

    assignment.registry.before["standings"] = ask
    await assignment.reconcile.participants(assignment.engine, list(crowd))
    assert asked == [1]
    for task_id in crowd.values():
        task = await assignment.task(task_id)
        assert (task.status, task.owner_id) == (TaskStatus.MIGRATING, "")
        assert (await assignment.story(task_id)).count("HANDOFF_INITIATED") == 1


async def test_only_newer_standings_are_applied_and_seats_and_marks_stay(
    assignment: AssignmentService,
) -> None:
    name, _ = await busy(assignment, 1)
    first = assignment.registry.people[name]
    newer = replace(first, standing_revision=first.standing_revision + 2, capacity=7)
    other = replace(newer, participant_id="agent.00")
    older = replace(newer, standing_revision=newer.standing_revision - 1, capacity=1)
    units, call = assignment.ports.units, assignment.engine
    async with units(call) as unit:
        gate = (await unit.lock_gates([name]))[name].retiring("retire.1")
        await unit.save_gates([gate])
    for standings in ([newer, other], [older]):
        async with units.single(call) as unit:
            await unit.bring_up_gates(standings)
    async with units.reading(call) as unit:
        assert await unit.find_gates([name, "agent.00"]) == {
            name: gate.brought_up(newer),
            "agent.00": Gate("agent.00").brought_up(other),
        }


async def test_a_standing_that_changes_nothing_waits_for_no_lock(
    assignment: AssignmentService,
) -> None:
    name, task_id = await busy(assignment, 1)
    await assignment.reconcile(assignment.engine)
    gate = {"tenant": assignment.tenant, "participant_id": name}
    row = {"tenant": assignment.tenant, "task_id": task_id}
    async with (
        held(assignment.admin_url, "assignment.gates", **gate),
        held(assignment.admin_url, "assignment.tasks", **row),
        asyncio.timeout(PATIENCE),  # less than a lock is waited for
    ):
        await assignment.reconcile(assignment.engine)


async def test_a_task_that_somebody_else_is_at_keeps_no_other_from_moving(
    assignment: AssignmentService,
) -> None:
    crowd = dict([await busy(assignment, number) for number in range(3)])
    for name in crowd:
        assignment.registry.change(name, status=ParticipantStatus.FAILED)
    row = {"tenant": assignment.tenant, "task_id": "task.00"}
    async with held(assignment.admin_url, "assignment.tasks", **row) as first:
        round_ = asyncio.create_task(assignment.reconcile(assignment.engine))

        async def others_moved() -> bool:
            tasks = [await assignment.task(task_id) for task_id in ("task.01", "task.02")]
            return all(task.status is TaskStatus.MIGRATING for task in tasks)

        await until(others_moved)
        assert (await assignment.task("task.00")).status is TaskStatus.ACTIVE
        await first.release()
        await round_
    assert (await assignment.task("task.00")).status is TaskStatus.MIGRATING


async def test_room_for_others_does_not_cut_the_time_of_a_last_checkpoint_short(
    assignment: AssignmentService,
) -> None:
    name, task_id = await busy(assignment, 1)
    assignment.registry.join("agent.next")
    asked = HandoffRequest(task_id, name, "requested")
    began = (await assignment.handoffs.initiate(assignment.operator, asked)).handoff
    await assignment.wake_queue(assignment.engine)
    handoff = (await assignment.handoffs.get(assignment.operator, began.handoff_id)).handoff
    assert handoff.next_try_at == began.next_try_at
    assert (await assignment.task(task_id)).status is TaskStatus.ACTIVE

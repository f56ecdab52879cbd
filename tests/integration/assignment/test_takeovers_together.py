"""Many owners die at once: questions and commits are shared, and no task waits for another one."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from assignment_svc.domain.handoff import Handoff
from assignment_svc.domain.states import HandoffStatus, TaskStatus
from assignment_svc.store.due import DueKind
from assignment_svc.store.unit import AssignmentUnits
from phoenix_runtime.core.standing import ParticipantStatus
from phoenix_runtime.core.verdict import DecisionPoint
from tests.support.servers.assignment_service import AssignmentService
from tests.support.waiting.row_locks import held
from tests.support.waiting.until import until

CROWD = 12
HEIRS = 3


def counted(assignment: AssignmentService) -> list[DueKind]:
    """The kind of every commit from now on that makes something due."""
    commits: list[DueKind] = []

    def note(kind: DueKind, _: datetime) -> None:
        commits.append(kind)

    assert isinstance(assignment.ports.units, AssignmentUnits)
    assignment.ports.units.on_due(note)
    return commits


async def dead(assignment: AssignmentService, size: int = CROWD) -> list[str]:
    """So many at work on a task each, who then fail; answers the tasks."""
    tasks = []
    for number in range(size):
        assignment.registry.join(f"agent.{number:02d}")
        tasks.append((await assignment.active(f"task.{number:02d}")).task_id)
        assignment.registry.change(f"agent.{number:02d}", status=ParticipantStatus.FAILED)
    return tasks


async def handoffs(assignment: AssignmentService, tasks: Sequence[str]) -> list[Handoff]:
    """The open handoff of each task."""
    async with assignment.ports.units.reading(assignment.engine) as unit:
        found = await unit.open_handoffs(tasks)
    return [found[task_id] for task_id in tasks]


async def advance(assignment: AssignmentService, begun: Sequence[Handoff]) -> None:
    """What the worker does with handoffs that are due at the same time."""
    await asyncio.gather(*(assignment.advance(assignment.engine, h.handoff_id) for h in begun))


async def test_tasks_whose_owners_fail_together_are_taken_away_by_a_few_commits(
    assignment: AssignmentService,
) -> None:
    tasks = await dead(assignment)
    commits = counted(assignment)
    await assignment.reconcile(assignment.engine)
    assert commits.count(DueKind.HANDOFFS) == 2
    for task_id in tasks:
        task = await assignment.task(task_id)
        assert (task.status, task.owner_id) == (TaskStatus.MIGRATING, "")


async def test_handoffs_of_the_same_moment_go_to_all_who_have_room(
    assignment: AssignmentService,
) -> None:
    tasks = await dead(assignment)
    await assignment.reconcile(assignment.engine)
    for number in range(HEIRS):
        assignment.registry.join(f"heir.{number}", capacity=CROWD)
    await advance(assignment, await handoffs(assignment, tasks))
    offered = await handoffs(assignment, tasks)
    assert {one.status for one in offered} == {HandoffStatus.OFFERED}
    targets = Counter(one.offer.target for one in offered if one.offer is not None)
    assert len(targets) == HEIRS, "not all of them ask the same one"


async def test_offers_that_wait_for_the_same_gate_are_made_by_a_few_commits(
    assignment: AssignmentService,
) -> None:
    tasks = await dead(assignment)
    await assignment.reconcile(assignment.engine)
    assignment.registry.join("heir", capacity=CROWD)
    async with assignment.ports.units(assignment.engine) as unit:
        await unit.lock_gates(["heir"])
    begun, commits = await handoffs(assignment, tasks), counted(assignment)
    gate = {"tenant": assignment.tenant, "participant_id": "heir"}
    async with held(assignment.admin_url, "assignment.gates", **gate) as heir:
        round_ = asyncio.create_task(advance(assignment, begun))

        async def all_judged() -> bool:
            asked = assignment.policy.asked
            judged = sum(len(some) for point, some in asked if point is DecisionPoint.HANDOFF)
            return judged >= CROWD

        await until(all_judged)
        await heir.waited_for_by(1)
        await heir.release()
        await round_
    assert commits.count(DueKind.HANDOFFS) <= 4
    assert {one.status for one in await handoffs(assignment, tasks)} == {HandoffStatus.OFFERED}


async def test_a_task_that_somebody_else_is_at_holds_up_the_offer_of_no_other(
    assignment: AssignmentService,
) -> None:
    tasks = await dead(assignment, 3)
    await assignment.reconcile(assignment.engine)
    assignment.registry.join("heir", capacity=3)
    begun = await handoffs(assignment, tasks)
    row = {"tenant": assignment.tenant, "task_id": "task.00"}
    async with held(assignment.admin_url, "assignment.tasks", **row) as first:
        round_ = asyncio.create_task(advance(assignment, begun[1:] + begun[:1]))

        async def others_offered() -> bool:
            found = await handoffs(assignment, tasks[1:])
            return all(one.status is HandoffStatus.OFFERED for one in found)

        await until(others_offered)
        await first.release()
        await round_
    (last,) = await handoffs(assignment, tasks[:1])
    assert last.status is HandoffStatus.OFFERED


async def test_one_that_lost_its_target_meanwhile_keeps_no_other_from_its_own(
    assignment: AssignmentService,
) -> None:
    tasks = await dead(assignment, 4)
    await assignment.reconcile(assignment.engine)
    for number in range(2):
        assignment.registry.join(f"heir.{number}", capacity=2)

    async def one_fails() -> None:
        assignment.registry.change("heir.0", status=ParticipantStatus.FAILED)
        await assignment.reconcile.participants(assignment.engine, ["heir.0"])

    assignment.policy.before[DecisionPoint.HANDOFF] = one_fails
    await advance(assignment, await handoffs(assignment, tasks))
    found = await handoffs(assignment, tasks)
    targets = [one.offer.target for one in found if one.offer is not None]
    assert targets == ["heir.1", "heir.1"]


async def test_many_units_that_make_the_same_gates_lock_all_of_them(
    assignment: AssignmentService,
) -> None:
    names = [f"new.{number}" for number in range(4)]

    async def lock(wanted: Sequence[str]) -> int:
        async with assignment.ports.units(assignment.engine) as unit:
            return len(await unit.lock_gates(wanted))

    some = [names, names[::-1], names[1:], names[:2], names[::2], names[2:]]
    assert await asyncio.gather(*map(lock, some)) == [4, 4, 3, 2, 2, 2]

"""A task that kills its owners, among others that they hold: it fails, and the others do not."""

from assignment_svc.domain.declaration import TaskDeclaration
from assignment_svc.domain.states import TaskStatus
from assignment_svc.usecases.tasks.complete_task import TaskResult
from phoenix_runtime.core.standing import ParticipantStatus
from tests.support.servers.assignment_service import AssignmentService

POISON = "task.poison"
INNOCENT = ("task.one", "task.three", "task.two")
ALL = tuple(sorted((*INNOCENT, POISON)))
SEATS = 8


async def held(assignment: AssignmentService, name: str) -> list[str]:
    """The tasks that somebody works on."""
    tasks = [await assignment.task(task_id) for task_id in ALL]
    return [one.task_id for one in tasks if one.owner_id == name]


async def all_active(assignment: AssignmentService, **fields: int) -> None:
    """One agent works on all of them."""
    assignment.registry.join("agent.a", capacity=SEATS)
    for task_id in ALL:
        await assignment.active(task_id, **fields)


async def take_over(assignment: AssignmentService) -> None:
    """Everything on offer is taken over, until nothing is."""
    assignment.clock.advance(300)  # every back-off is over
    for _ in ALL:
        await assignment.work()
        for task_id in ALL:
            task = await assignment.task(task_id)
            if task.status is not TaskStatus.MIGRATING:
                continue
            found = (await assignment.handoffs.get(assignment.operator, task.handoff_id)).handoff
            if found.offer is not None:
                await assignment.take_over(found, found.offer.target)


async def complete(assignment: AssignmentService, task_id: str) -> None:
    """Its owner is done with it."""
    task = await assignment.task(task_id)
    done = TaskResult(task_id, task.epoch, {})
    await assignment.tasks.complete(assignment.agent(task.owner_id), done)


async def ends_well(assignment: AssignmentService) -> None:
    """Poison has failed by its losses; the others are done, each by somebody."""
    poison = await assignment.task(POISON)
    assert (poison.status, poison.reason, poison.losses) == (TaskStatus.FAILED, "owners_lost", 3)
    for _ in INNOCENT:
        await take_over(assignment)
        for task_id in INNOCENT:
            if (await assignment.task(task_id)).status is TaskStatus.ACTIVE:
                await complete(assignment, task_id)
    for task_id in INNOCENT:
        assert (await assignment.task(task_id)).status is TaskStatus.SUCCEEDED
    assert await assignment.findings() == ()


async def dies(assignment: AssignmentService, name: str) -> None:
    """The lease of somebody expires, and what it held is taken over."""
    assignment.registry.change(name, status=ParticipantStatus.FAILED)
    await assignment.reconcile(assignment.engine)
    await take_over(assignment)


async def test_whoever_was_lost_with_poison_twice_is_kept_apart_from_it(
    assignment: AssignmentService,
) -> None:
    await all_active(assignment)
    for name, successor in (("agent.a", "agent.b"), ("agent.b", "agent.c")):
        assignment.registry.join(successor, capacity=SEATS)
        assert await held(assignment, name) == list(ALL)
        await dies(assignment, name)
    # All have lost two owners, and which of them it was nobody knows: one at a time from here on.
    assert {(await assignment.task(one)).losses for one in ALL} == {2}
    for _ in ALL:
        (now,) = await held(assignment, "agent.c")
        if now == POISON:
            assignment.registry.join("agent.d", capacity=SEATS)
            await dies(assignment, "agent.c")
            break
        await complete(assignment, now)
        await take_over(assignment)
    await ends_well(assignment)


async def test_a_lone_agent_that_restarts_goes_on_with_them_one_by_one(
    assignment: AssignmentService,
) -> None:
    await all_active(assignment)
    generation = 1
    for _ in range(2):
        generation += 1
        assignment.registry.join("agent.a", capacity=SEATS)
        await assignment.tasks.resume(assignment.agent("agent.a"), generation)
    for _ in ALL:
        (now,) = await held(assignment, "agent.a")
        if now == POISON:
            generation += 1
            assignment.registry.join("agent.a", capacity=SEATS)
            await assignment.tasks.resume(assignment.agent("agent.a"), generation)
            assert (await assignment.task(POISON)).ended
            break
        await complete(assignment, now)
        await take_over(assignment)
    await ends_well(assignment)


async def test_why_somebody_is_not_asked_is_said(assignment: AssignmentService) -> None:
    await all_active(assignment, max_losses=2)
    assignment.registry.join("agent.a", capacity=SEATS)
    await assignment.tasks.resume(assignment.agent("agent.a"), 2)
    (now,) = await held(assignment, "agent.a")
    other = next(task_id for task_id in ALL if task_id != now)
    await take_over(assignment)
    waiting = await assignment.task(other)
    assert waiting.status is TaskStatus.MIGRATING
    declared = TaskDeclaration(task_id=other)
    explained = await assignment.tasks.explain(assignment.operator, declared)
    (why,) = [one for one in explained.alternatives if one.participant_id == "agent.a"]
    assert why.failed == "losses"
    assert f"it has {now}" in why.because


async def test_a_task_that_has_lost_nobody_is_kept_apart_from_none(
    assignment: AssignmentService,
) -> None:
    """A limit of one loss makes nobody suspect."""
    await all_active(assignment, max_losses=1)
    assert len(await held(assignment, "agent.a")) == len(ALL)

"""The store keeps what it is given, in its tenant, and refuses what the keys forbid."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest
import pytest_asyncio

from assignment_svc.domain.context import ContextPointer
from assignment_svc.domain.declaration import TaskDeclaration, submission
from assignment_svc.domain.handoff import Handoff, Offer, OfferRecord
from assignment_svc.domain.retirement import Retirement, RetirementOutcome
from assignment_svc.domain.rows import IdTaken
from assignment_svc.domain.states import (
    HandoffStatus,
    Outcome,
    ParkedAction,
    RetirementMode,
    TaskStatus,
)
from assignment_svc.domain.task import (
    Binding,
    BindingRecord,
    Exclusion,
    Parked,
    Task,
    TaskFilter,
    TaskObligation,
)
from assignment_svc.store.tables import metadata
from assignment_svc.store.unit import AssignmentUnits
from phoenix_runtime.chassis.data.outbox import Outbox
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.core.clock import ManualClock
from phoenix_runtime.core.durations import CLAIM_DURATION
from phoenix_runtime.core.errors import NotFound
from phoenix_runtime.core.pages import page_request
from tests.integration.assignment.store.apart import apart
from tests.support.builders.calls import call_of
from tests.support.servers.postgres import DatabaseFor, PostgresServer


@pytest_asyncio.fixture
async def units(database_for: DatabaseFor, clock: ManualClock) -> AsyncIterator[AssignmentUnits]:
    database = await database_for("assignment")
    yield AssignmentUnits(database, Outbox("assignment", metadata, clock=clock, new_id=new_id))


def task_of(clock: ManualClock, task_id: str = "task.one", **fields: object) -> Task:
    declared = TaskDeclaration(
        task_id=task_id,
        objective="Find duplicates",
        required_capabilities=("duplicate_detection",),
        data_domains=("customer",),
        attempt_timeout=timedelta(minutes=3),
    )
    made = Task(
        spec=submission(declared, new_id).spec,
        submitter="ann",
        submitter_participant_id="",
        correlation_id="audit.corr.1",
        submitted_at=clock.now(),
        updated_at=clock.now(),
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def binding_of(clock: ManualClock, epoch: int = 1) -> Binding:
    return Binding(
        assignment_id=new_id("assign"),
        participant_id="agent.a",
        owner="data-governance",
        epoch=epoch,
        generation=3,
        standing_revision=7,
        decision_id="opa.dec.1",
        bound_at=clock.now(),
    )


EMPTY = submission(
    TaskDeclaration(task_id="x", objective="x", required_capabilities=("a",)), new_id
).input


async def test_a_task_comes_back_as_it_was_written(
    units: AssignmentUnits, clock: ManualClock, tenant: str
) -> None:
    call = call_of("submitter", tenant=tenant)
    task = task_of(clock)
    pointer = ContextPointer("task.one", 4, "sha256:ab", 12, "agent.a", 1, clock.now())
    rich = replace(
        task,
        status=TaskStatus.AWAITING_APPROVAL,
        binding=binding_of(clock),
        parked=Parked(ParkedAction.COMPLETE, "approval.1", "sha256:cd"),
        pointer=pointer,
        obligations=(TaskObligation("o", "text", "always", "opa.dec.1", fulfilled=True),),
        next_try_at=clock.now(),
        epoch=1,
    )
    async with units(call) as unit:
        await unit.add_task(task, EMPTY)
    async with units(call) as unit:
        assert await unit.lock_task("task.one") == task
        await unit.save_task(rich)
    async with units.reading(call) as unit:
        assert await unit.find_task("task.one") == rich
        assert await unit.held_by("agent.a") == ("task.one",)
        assert await unit.content(EMPTY.hash) == b"{}"
    async with units.reading(call_of("submitter", tenant=new_id("tenant"))) as unit:
        assert await unit.find_task("task.one") is None


async def test_of_two_tasks_with_one_id_the_later_is_told_and_leaves_nothing(
    units: AssignmentUnits, clock: ManualClock, tenant: str
) -> None:
    call = call_of("submitter", tenant=tenant)
    async with units(call) as unit:
        await unit.add_task(task_of(clock), EMPTY)
    with pytest.raises(IdTaken):
        async with units(call) as unit:
            await unit.add_task(task_of(clock), replace(EMPTY, hash="sha256:other"))
    async with units.reading(call) as unit:
        with pytest.raises(NotFound):
            await unit.content("sha256:other")


async def test_what_was_submitted_is_not_written_again(
    units: AssignmentUnits, clock: ManualClock, tenant: str
) -> None:
    call = call_of("submitter", tenant=tenant)
    task = task_of(clock)
    async with units(call) as unit:
        await unit.add_task(task, EMPTY)
        changed = replace(task, spec=replace(task.spec, objective="Something else"))
        await unit.save_task(changed)
        assert await unit.find_task("task.one") == task


async def test_a_task_has_at_most_one_open_handoff(
    units: AssignmentUnits, clock: ManualClock, tenant: str
) -> None:
    call = call_of("operator", tenant=tenant)
    binding = binding_of(clock)
    offer = Offer("offer.1", "agent.b", "owner", 1, 2, "opa.dec.2", clock.now(), 0, "sha256:00")
    first = Handoff(
        handoff_id="handoff.1",
        task_id="task.one",
        correlation_id="c",
        source_binding=binding,
        reason="requested",
        requested_by="ann",
        created_at=clock.now(),
        updated_at=clock.now(),
        status=HandoffStatus.OFFERED,
        offer=offer,
        accepted_obligations=("a", "b"),
    )
    async with units(call) as unit:
        await unit.add_task(task_of(clock), EMPTY)
        await unit.add_handoff(first)
        await unit.add_offer(OfferRecord("task.one", "handoff.1", offer, clock.now()))
        await unit.end_offer("offer.1", at=clock.now(), outcome="declined")
    async with units.reading(call) as unit:
        assert await unit.find_handoff("handoff.1") == first
        assert await unit.open_handoffs(["task.one"]) == {"task.one": first}
        assert await unit.handoffs_to("agent.b") == (first,)
        assert await unit.handoffs_from("agent.a") == (first,)
        for name in ("agent.a", "agent.b"):
            (around,) = await unit.tasks_around([name, "agent.c"])
            assert around.task_id == "task.one"
        assert await unit.tasks_around(["agent.c"]) == ()
        record = await unit.find_offer("offer.1")
        assert record is not None
        assert (record.outcome, record.offer) == ("declined", offer)
    with pytest.raises(asyncpg.UniqueViolationError):
        async with units(call) as unit:
            await unit.add_handoff(replace(first, handoff_id="handoff.2"))


async def test_gates_retirements_pointers_and_exclusions_come_back(
    units: AssignmentUnits, clock: ManualClock, tenant: str
) -> None:
    call = call_of("operator", tenant=tenant)
    retirement = Retirement(
        retirement_id="retire.1",
        participant_id="agent.a",
        mode=RetirementMode.GRACEFUL,
        deadline_at=clock.now(),
        reason="old",
        requested_by="ann",
        decision_id="opa.dec.1",
        correlation_id="c",
        created_at=clock.now(),
        outcomes=(RetirementOutcome("task.one", Outcome.HANDED_OFF, "agent.b", "handoff.1"),),
    )
    pointer = ContextPointer("task.one", 1, "sha256:ab", 12, "agent.a", 1, clock.now())
    async with units(call) as unit:
        locked = await unit.lock_gates(["agent.b", "agent.a"])
        await unit.save_gates([replace(locked["agent.a"], capacity=2, used=1)])
        assert await unit.add_retirement(retirement)
        assert not await unit.add_retirement(replace(retirement, retirement_id="retire.2"))
        await unit.add_pointer(pointer)
        await unit.add_binding(BindingRecord("task.one", binding_of(clock), "assign"))
        await unit.end_binding("task.one", 1, at=clock.now(), by="decline")
        await unit.exclude(Exclusion("task.one", "agent.a", "declined", excluded_until=clock.now()))
        await unit.exclude(Exclusion("task.one", "agent.a", "declined", tries=2))
        assert await unit.denial_changed("t", "p", point="task.assign", reasons_hash="1")
        assert not await unit.denial_changed("t", "p", point="task.assign", reasons_hash="1")
        assert await unit.denial_changed("t", "p", point="task.assign", reasons_hash="2")
    async with units.reading(call) as unit:
        assert [gate.participant_id for gate in await unit.busy_gates("", limit=9)] == ["agent.a"]
        assert set(await unit.find_gates(["agent.a", "agent.b", "x"])) == {"agent.a", "agent.b"}
        assert await unit.retirement_of("agent.a") == retirement
        assert await unit.find_pointer("task.one", 1) == pointer
        assert [entry.tries for entry in await unit.exclusions("task.one")] == [2]
        assert [record.ended_by for record in await unit.bindings_of("task.one")] == ["decline"]


async def test_tasks_are_listed_newest_first_and_none_twice(
    units: AssignmentUnits, clock: ManualClock, tenant: str
) -> None:
    call = call_of("submitter", tenant=tenant)
    async with units(call) as unit:
        for number in range(5):
            await unit.add_task(task_of(clock, f"task.{number}"), EMPTY)
            clock.advance(number % 2)
    seen: list[str] = []
    token = ""
    async with units.reading(call) as unit:
        while True:
            page = await unit.list_tasks(TaskFilter(), page_request(2, token, {}))
            seen += [task.task_id for task in page.items]
            token = page.next_token
            if not token:
                break
    assert len(seen) == len(set(seen)) == 5
    assert seen[0] == "task.4"


async def test_a_due_row_is_claimed_once_and_again_when_the_claim_is_over(
    postgres: PostgresServer, clock: ManualClock, tenant: str
) -> None:
    async with apart(postgres, clock, "phoenix_assignment_claims") as (units, claims):
        call = call_of("submitter", tenant=tenant)
        async with units(call) as unit:
            await unit.add_task(task_of(clock, next_try_at=clock.now()), EMPTY)

        async def mine() -> list[str]:
            due = await claims.due_tasks(clock.now(), limit=500)
            return [task_id for owner, task_id in due if owner == tenant]

        assert await claims.next_due(clock.now()) == {"tasks": clock.now()}
        assert await mine() == ["task.one"]
        assert await mine() == []
        assert await claims.next_due(clock.now()) == {}, "somebody works on it"
        clock.advance(CLAIM_DURATION.total_seconds() + 1)
        assert await mine() == ["task.one"]
        async with units(call) as unit:
            assert await unit.wake_waiting(clock.now() - timedelta(hours=1), limit=9) == 1
        assert await mine() == ["task.one"]
        assert await claims.due_handoffs(clock.now(), limit=0) == []
        assert await claims.due_retirements(clock.now(), limit=0) == []
        assert await claims.due_approvals(clock.now(), limit=0) == []


async def test_tenants_take_turns_however_much_one_of_them_has_and_however_urgent_it_is(
    postgres: PostgresServer, clock: ManualClock
) -> None:
    async with apart(postgres, clock, "phoenix_assignment_turns") as (units, claims):
        async with units(call_of("submitter", tenant="tenant.loud")) as unit:
            for number in range(20):
                urgent = task_of(clock, f"task.{number:02d}", next_try_at=clock.now())
                spec = replace(urgent.spec, priority=90)
                await unit.add_task(replace(urgent, spec=spec), EMPTY)
        clock.advance(1)
        async with units(call_of("submitter", tenant="tenant.calm")) as unit:
            await unit.add_task(task_of(clock, "task.calm", next_try_at=clock.now()), EMPTY)
        due = await claims.due_tasks(clock.now(), limit=4)
        assert len(due) == 4
        assert ("tenant.calm", "task.calm") in due

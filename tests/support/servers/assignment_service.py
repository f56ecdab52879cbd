"""Assignment's use cases over a real PostgreSQL, with peers that tests steer."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest_asyncio
from sqlalchemy import text

from assignment_svc.domain.context import ContextPointer
from assignment_svc.domain.declaration import TaskDeclaration
from assignment_svc.domain.handoff import Acceptance, Handoff
from assignment_svc.domain.rules import BackOff, Rules
from assignment_svc.domain.task import Task
from assignment_svc.store.tables import metadata
from assignment_svc.store.unit import AssignmentUnits
from assignment_svc.usecases.assignment.assigned import Assigned
from assignment_svc.usecases.handoff.complete_handoff import HandoffCompletion, TakenOver
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.tasks.record_checkpoint import Checkpoint
from assignment_svc.wiring import build_use_cases
from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.chassis.data.outbox import Outbox
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.core.clock import ManualClock
from phoenix_runtime.core.json import content_hash
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.validate import Evidence, Finding, validate
from phoenix_runtime.local.evidence import read_evidence
from tests.support.builders.calls import call_of
from tests.support.fakes.assignment_peers import (
    FakeAccessLog,
    FakeApprovals,
    FakeRegistry,
    ScriptedPolicy,
)
from tests.support.servers.postgres import DatabaseFor, PostgresServer

DUE = {
    "tasks": "SELECT task_id FROM assignment.tasks WHERE wake_at <= :now ORDER BY priority DESC",
    "handoffs": "SELECT handoff_id FROM assignment.handoffs WHERE wake_at <= :now",
    "retirements": "SELECT retirement_id FROM assignment.retirements WHERE wake_at <= :now",
    "approvals": "SELECT approval_id FROM assignment.approvals WHERE next_poll_at <= :now",
}
RULES = Rules(exclusion=BackOff(timedelta(seconds=30), timedelta(seconds=120)))


@dataclass
class AssignmentService:
    """One tenant of assignment, in this process."""

    tenant: str
    clock: ManualClock
    database: Database
    admin_url: str
    rules: Rules = RULES
    policy: ScriptedPolicy = field(default_factory=ScriptedPolicy)
    approvals: FakeApprovals = field(default_factory=FakeApprovals)
    access: FakeAccessLog = field(default_factory=FakeAccessLog)

    def __post_init__(self) -> None:
        self.registry = FakeRegistry(self.clock, self.policy)
        self.registry.join("human.1", type="human")
        self.registry.people["human.1"] = self.registry.change(
            "human.1", capacity=0, grants=type(self.registry.people["human.1"].grants)()
        )
        outbox = Outbox("assignment", metadata, clock=self.clock, new_id=new_id)
        self.ports = Ports(
            units=AssignmentUnits(self.database, outbox),
            registry=self.registry,
            policy=self.policy,
            approvals=self.approvals,
            access=self.access,
            clock=self.clock,
            new_id=new_id,
            rules=self.rules,
        )
        use_cases = build_use_cases(self.ports)
        self.tasks = use_cases.tasks
        self.effects = use_cases.effects
        self.handoffs = use_cases.handoffs
        self.assign = use_cases.assign
        self.wake_queue = use_cases.wake_queue
        self.process_task = use_cases.workers.tasks
        self.advance = use_cases.workers.handoffs
        self.retirements = use_cases.workers.retirements
        self.follow = use_cases.workers.approvals
        self.reconcile = use_cases.workers.reconcile

    # Who calls.

    @property
    def submitter(self) -> Call:
        """Somebody who submits tasks."""
        return call_of("submitter", tenant=self.tenant, subject="ann")

    @property
    def operator(self) -> Call:
        """Somebody who may do everything that people may."""
        return call_of("operator", tenant=self.tenant, subject="olga")

    @property
    def engine(self) -> Call:
        """The service itself."""
        return call_of("service", tenant=self.tenant, subject="assignment", service="assignment")

    def agent(self, participant_id: str) -> Call:
        """A participant with its own credential."""
        return call_of("participant", tenant=self.tenant, participant=participant_id)

    # Shortcuts; each is one or two verbs.

    async def submit(self, task_id: str = "", **fields: Any) -> Task:
        """A pending task."""
        submitted = await self.tasks.submit(self.submitter, declaration(task_id, **fields))
        return submitted.task

    async def bound(self, task_id: str, **fields: Any) -> Assigned:
        """A submitted task, assigned to the best."""
        await self.submit(task_id, **fields)
        return await self.assign(self.engine, task_id)

    async def active(self, task_id: str, **fields: Any) -> Task:
        """A task that its assignee has started."""
        assigned = await self.bound(task_id, **fields)
        who = self.agent(assigned.participant_id)
        started = await self.tasks.start(who, task_id, assigned.task.epoch)
        return started.briefing.task

    async def checkpoint(
        self, task: Task, base: int = 0, *, content: str = "findings"
    ) -> ContextPointer:
        """The assignee's next checkpoint."""
        recorded = await self.tasks.record(
            self.agent(task.owner_id),
            Checkpoint(task.task_id, task.epoch, base, content_hash(content), 12),
        )
        return recorded.pointer

    async def take_over(self, handoff: Handoff, target: str) -> TakenOver:
        """The target of a standing offer receives the context and completes the handoff."""
        assert handoff.offer is not None
        offer = handoff.offer
        resolved = await self.tasks.resolve(self.agent(target), handoff.task_id)
        owed = [one.id for one in (await self.task(handoff.task_id)).open_obligations]
        completion = HandoffCompletion(
            handoff_id=handoff.handoff_id,
            offer_id=offer.offer_id,
            acceptance=Acceptance(resolved.pointer.hash, tuple(owed)),
        )
        return await self.handoffs.complete(self.agent(target), completion)

    async def task(self, task_id: str) -> Task:
        """The task as it stands."""
        return (await self.tasks.get(self.operator, task_id)).task

    # The background workers, one step at a time.

    async def due(self, kind: str) -> list[str]:
        """Ids of this tenant's rows whose time has come."""
        async with self.database.reading(self.tenant) as connection:
            rows = await connection.fetch(text(DUE[kind]), {"now": self.clock.now()})
        return [str(next(iter(row.values()))) for row in rows]

    async def work(self, *, rounds: int = 20) -> int:
        """Do what is due until nothing is; answers how many steps it took."""
        steps = 0
        workers = {
            "tasks": self.process_task,
            "handoffs": self.advance,
            "retirements": self.retirements,
            "approvals": self.follow,
        }
        for _ in range(rounds):
            before = steps
            for kind, worker in workers.items():
                for row_id in await self.due(kind):
                    await worker(self.engine, row_id)  # type: ignore[operator]
                    steps += 1
            if steps == before:
                break
        return steps

    # Assertions.

    async def evidence(self) -> Evidence:
        """The audit and the tables."""
        evidence = await read_evidence(self.admin_url, self.tenant)
        return replace(evidence, contents=None)  # there is no state service behind these

    async def findings(self) -> tuple[Finding, ...]:
        """What does not hold."""
        return validate(await self.evidence())

    async def story(self, task_id: str) -> list[str]:
        """The types of a task's events, in order."""
        events = [e for e in (await self.evidence()).events if e.aggregate == f"task/{task_id}"]
        return [e.type for e in sorted(events, key=lambda one: one.aggregate_version)]


def declaration(task_id: str = "", **fields: Any) -> TaskDeclaration:
    """A task as the paper prints it, but for ``fields``."""
    said: dict[str, Any] = {
        "task_id": task_id,
        "objective": "Validate duplicate customer candidates",
        "required_capabilities": ("duplicate_detection", "customer_validation"),
        "data_domains": ("customer_master",),
        "risk_level": "medium",
    }
    return TaskDeclaration(**{**said, **fields})


@pytest_asyncio.fixture
async def assignment(
    postgres: PostgresServer, database_for: DatabaseFor, clock: ManualClock, tenant: str
) -> AsyncIterator[AssignmentService]:
    """One tenant of assignment, whose history is validated at the end of its test."""
    database = await database_for("assignment", pool=8)
    made = AssignmentService(tenant, clock, database, postgres.admin_url)
    yield made
    assert await made.findings() == ()

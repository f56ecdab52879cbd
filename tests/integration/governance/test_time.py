"""What time does to approvals, certificates and trust: the clock is moved by hand."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from governance_svc.adapters.bundle_folder import shipped_bundle
from governance_svc.adapters.local_ledger import LocalLedger
from governance_svc.adapters.policy_engines.embedded_engine import EmbeddedEngine
from governance_svc.domain.approvals.approval import Question
from governance_svc.domain.ledger.entries import AuditFilter
from governance_svc.domain.lifecycle import ApprovalStatus
from governance_svc.domain.policy.bundle import make_bundle
from governance_svc.domain.policy.engine import Evaluation
from governance_svc.domain.trust.certification_events import certification_of_event
from governance_svc.domain.trust.queries import TrustQuestion
from governance_svc.store.approvals import PostgresApprovalClaims, PostgresApprovals
from governance_svc.store.evidence import PostgresTrustRecords
from governance_svc.store.ledger_reader import PostgresLedgerReader
from governance_svc.store.ledger_writer import GroupCommitLedger
from governance_svc.store.tables import metadata, trust_cursor, trust_evidence
from governance_svc.store.tenants import LedgerTenants
from governance_svc.store.unit import GovernanceUnit
from governance_svc.usecases.approvals.decide_approval import (
    DecideApproval,
    Decision,
    DecisionPorts,
)
from governance_svc.usecases.approvals.expire_approvals import ExpireApprovals
from governance_svc.usecases.approvals.request_approval import RequestApproval
from governance_svc.usecases.policy.denial_log import Refusals
from governance_svc.usecases.policy.evaluate_policies import EvaluatePolicies
from governance_svc.usecases.trust.assess_trust import AssessTrust
from governance_svc.usecases.trust.certify import Certificate, Desk, GrantCertification
from governance_svc.usecases.trust.project_trust import ProjectTrust
from phoenix_runtime.chassis.data.access_log import OutboxAccessLog
from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.chassis.data.outbox import Outbox
from phoenix_runtime.chassis.data.unit import Units
from phoenix_runtime.chassis.delivery.relay import Relay
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.chassis.rpc.channels import service_call
from phoenix_runtime.core.claims import CLAIM_DURATION
from phoenix_runtime.core.clock import ManualClock
from phoenix_runtime.core.errors import IllegalTransition, NotPermitted
from phoenix_runtime.core.json import JsonObject, content_hash
from phoenix_runtime.core.pages import page_request
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import DecisionPoint, Effect, Verdict
from tests.support.builders.audit_events import audit_event
from tests.support.builders.calls import call_of
from tests.support.servers.postgres import DatabaseFor
from tests.support.waiting.until import until

SUBJECT = {"merge": ["a", "b"]}


@dataclass(frozen=True, slots=True)
class Desks:
    """Governance behind its front door, on a clock that the test moves."""

    database: Database
    worker: Database
    units: Units[GovernanceUnit]
    outbox: Outbox
    clock: ManualClock
    tenant: str
    trust: AssessTrust

    def service(self) -> Call:
        """A call of assignment on its own account."""
        return service_call("assignment", self.tenant, new_id)

    async def ask(self) -> str:
        """Ask a human; the id of the approval."""
        question = Question(
            "t", "merge", SUBJECT, content_hash(SUBJECT), "audit.corr.t", barred=("sam",)
        )
        asked = await RequestApproval(self.units, self.clock, new_id)(self.service(), question)
        return asked.approval.approval_id

    def expire(self) -> ExpireApprovals:
        """The expiry worker."""
        claims = PostgresApprovalClaims(self.worker)
        return ExpireApprovals(
            claims, self.units, self.clock, lambda t: service_call("governance", t, new_id)
        )

    async def status(self, approval_id: str) -> ApprovalStatus:
        """Where an approval stands."""
        found = await PostgresApprovals(self.database).read(self.tenant, approval_id)
        assert found is not None
        return found.status

    def project(self) -> ProjectTrust:
        """The projection of the ledger."""
        tenants = LedgerTenants(self.worker)
        project = ProjectTrust(PostgresTrustRecords(self.database), tenants, self.trust)
        project.grown(self.tenant)
        return project

    def decide(self, policy: EvaluatePolicies) -> DecideApproval:
        """The deciding desk, before ``policy``."""
        return DecideApproval(
            DecisionPorts(
                self.units,
                PostgresApprovals(self.database),
                policy,
                Refusals(self.units, self.clock),
                OutboxAccessLog(self.units, clock=self.clock, new_id=new_id),
                self.clock,
            )
        )


@pytest_asyncio.fixture
async def desks(database_for: DatabaseFor, clock: ManualClock, tenant: str) -> Desks:
    database = await database_for("governance")
    outbox = Outbox("governance", metadata, clock=clock, new_id=new_id)
    catalogue = shipped_bundle().catalogue
    return Desks(
        database=database,
        worker=await database_for("governance", role="worker"),
        units=Units(database, GovernanceUnit, outbox, new_id),
        outbox=outbox,
        clock=clock,
        tenant=tenant,
        trust=AssessTrust(PostgresTrustRecords(database), lambda: catalogue, clock),
    )


LAX = """
package phoenix.approval.decide

import data.phoenix.verdict as answers

verdict := answers.of("phoenix.approval.decide", {
    "allow": {said | input.approval; said := {"rule": "lax", "text": "Yes.", "remedy": ""}},
    "deny": set(), "ask": set(), "obligations": set(),
})
"""


@pytest_asyncio.fixture
async def lax(desks: Desks) -> AsyncIterator[EvaluatePolicies]:
    """A bundle by which everybody may decide: what it says is not all that counts."""
    shipped = shipped_bundle()
    modules = {**shipped.modules, "approval_decide.rego": LAX}
    engine = EmbeddedEngine()
    await engine.load(make_bundle(modules, shipped.data), tested=True)
    yield EvaluatePolicies(engine, desks.trust, desks.clock, new_id)
    await engine.close()


@pytest_asyncio.fixture
async def engine() -> AsyncIterator[EmbeddedEngine]:
    engine = EmbeddedEngine()
    await engine.load(shipped_bundle())
    yield engine
    await engine.close()


async def test_a_question_that_nobody_answered_expires_once_and_counts_as_refusal(
    desks: Desks,
) -> None:
    asked = await desks.ask()
    desks.clock.advance(timedelta(days=7).total_seconds() - 1)
    await desks.expire()()
    assert await desks.status(asked) is ApprovalStatus.PENDING
    desks.clock.advance(1)
    await asyncio.gather(desks.expire()(), desks.expire()())
    assert await desks.status(asked) is ApprovalStatus.EXPIRED
    assert await desks.ask() == asked
    assert ApprovalStatus.EXPIRED.refuses


async def test_a_claim_that_died_is_made_again(desks: Desks) -> None:
    asked = await desks.ask()
    desks.clock.advance(timedelta(days=8).total_seconds())
    claims = PostgresApprovalClaims(desks.worker)
    mine = (desks.tenant, asked)
    assert mine in await claims.due(desks.clock.now(), 1000)
    assert mine not in await claims.due(desks.clock.now(), 1000)
    desks.clock.advance(CLAIM_DURATION.total_seconds() - 0.1)
    assert mine not in await claims.due(desks.clock.now(), 1000)
    desks.clock.advance(0.1)
    assert mine in await claims.due(desks.clock.now(), 1000)


async def test_an_expired_question_cannot_be_decided_however_late_its_worker_is(
    desks: Desks, lax: EvaluatePolicies
) -> None:
    asked = await desks.ask()
    desks.clock.advance(timedelta(days=7).total_seconds())
    decide = desks.decide(lax)
    reviewer = call_of("reviewer", tenant=desks.tenant, participant="ann", participant_type="human")
    with pytest.raises(IllegalTransition):
        await decide(reviewer, Decision(asked, approve=True, comment="late"))


@pytest.mark.parametrize(
    ("participant", "kind", "role"),
    [("sam", "human", "reviewer"), ("ann", "agent", "reviewer"), ("ann", "human", "operator")],
)
async def test_even_a_lax_policy_lets_nobody_decide_who_may_never(
    desks: Desks, lax: EvaluatePolicies, participant: str, kind: str, role: str
) -> None:
    asked = await desks.ask()
    caller = call_of(role, tenant=desks.tenant, participant=participant, participant_type=kind)
    with pytest.raises(NotPermitted):
        await desks.decide(lax)(caller, Decision(asked, approve=True, comment="mine"))
    assert await desks.status(asked) is ApprovalStatus.PENDING


async def test_a_certificate_lapses_by_itself(desks: Desks, engine: EmbeddedEngine) -> None:
    evaluate = EvaluatePolicies(engine, desks.trust, desks.clock, new_id)
    await _append(desks, registered(desks.tenant))
    await _certify(desks, timedelta(hours=1))
    question = {
        "candidate": {
            "id": "p",
            "owner": "data-governance",
            "status": "active",
            "capabilities": ["reference_data_validation"],
            "data_domains": [],
            "permissions": [],
        },
        "requirement": {
            "required_capabilities": ["reference_data_validation"],
            "data_domains": [],
            "risk_level": "high",
            "policy_constraints": [],
        },
    }

    async def effect() -> Effect:
        (verdict,) = await evaluate(desks.service(), DecisionPoint.DISCOVER, [question])
        return verdict.effect

    assert await effect() is Effect.ALLOW
    desks.clock.advance(3599)
    assert await effect() is Effect.ALLOW
    desks.clock.advance(1)
    assert await effect() is Effect.DENY


async def test_trust_recomputed_from_the_ledger_is_the_projection(desks: Desks) -> None:
    kinds = ["TASK_SUCCEEDED", "TASK_RETRIED", "ACTION_DENIED", "APPROVAL_DECIDED"]
    for stride in range(3):
        events = [
            audit_event(desks.tenant, type=kind, participant=f"p.{i}", actor=f"p.{i}")
            for i in range(7)
            for kind in kinds[: 1 + (i + stride) % 4]
        ]
        await _append(desks, registered(desks.tenant), *events)
    records = PostgresTrustRecords(desks.database)
    names = ["p", *(f"p.{i}" for i in range(7))]
    found = await records.read(desks.tenant, names)
    assert dict(found.folded) == await records.recomputed(desks.tenant)
    head = await PostgresLedgerReader(desks.database).head(desks.tenant)
    assert found.as_of_sequence == head.sequence


async def test_a_projection_of_older_rules_is_folded_anew(desks: Desks) -> None:
    await _append(desks, registered(desks.tenant))
    async with desks.database.transaction(desks.tenant) as connection:
        await connection.execute(trust_cursor.update().values(model="0"))
        await connection.execute(trust_evidence.update().values(document="{}"))
    project = desks.project()
    while await project():
        pass
    found = await PostgresTrustRecords(desks.database).read(desks.tenant, ["p"])
    assert found.folded["p"].method == "local"


async def test_two_projectors_fold_no_event_twice(desks: Desks) -> None:
    ledger = LocalLedger(GroupCommitLedger(desks.database))
    events = [audit_event(desks.tenant, type="TASK_SUCCEEDED", participant="p") for _ in range(50)]
    await ledger.append(desks.tenant, events)
    records = PostgresTrustRecords(desks.database)
    await asyncio.gather(*(records.advance(desks.tenant, 20) for _ in range(6)))
    found = await records.read(desks.tenant, ["p"])
    assert len(found.folded["p"].outcomes) == 50


async def test_certificates_are_known_from_the_audit_alone(desks: Desks) -> None:
    await _certify(desks, timedelta(days=1))
    news: list[Any] = []

    class Silent:
        async def publish(self, bus_events: Any) -> None:
            news.extend(bus_events)

    ledger = LocalLedger(GroupCommitLedger(desks.database))
    relay = Relay(desks.worker, desks.outbox, ledger=ledger, news=Silent())
    await relay.start()
    try:
        reader = PostgresLedgerReader(desks.database)
        wanted = AuditFilter(types=("CERTIFICATION_GRANTED",))

        async def look() -> Any:
            return (await reader.page(desks.tenant, wanted, page_request(0, "", {}))).items

        (entry,) = await until(look)
    finally:
        await relay.stop()
    held = await PostgresTrustRecords(desks.database).read(desks.tenant, ["p"])
    assert held.certificates["p"] == (certification_of_event(entry.event),)


async def test_evidence_is_read_again_after_a_second_and_when_it_changed(desks: Desks) -> None:
    question = TrustQuestion("p", ("reference_data_validation",))
    (before,) = await desks.trust(desks.tenant, [question])
    await LocalLedger(GroupCommitLedger(desks.database)).append(
        desks.tenant, [registered(desks.tenant)]
    )
    await PostgresTrustRecords(desks.database).advance(desks.tenant, 100)
    assert (await desks.trust(desks.tenant, [question])) == (before,)
    desks.clock.advance(1)
    (after,) = await desks.trust(desks.tenant, [question])
    assert after.least > before.least
    await _certify(desks, timedelta(days=1))
    (certified,) = await desks.trust(desks.tenant, [question])
    assert (after.certified, certified.certified) == (frozenset(), {"reference_data_validation"})


def registered(tenant: str) -> Any:
    detail = {"identity": {"assurance": "local"}, "owner": "data-governance"}
    return audit_event(tenant, type="PARTICIPANT_REGISTERED", participant="p", detail=detail)


async def _append(desks: Desks, *events: Any) -> None:
    """Deliver events and fold them."""
    await LocalLedger(GroupCommitLedger(desks.database)).append(desks.tenant, events)
    project = desks.project()
    while await project():
        pass


async def _certify(desks: Desks, life: timedelta) -> None:
    catalogue = shipped_bundle().catalogue
    grant = GrantCertification(
        desks.units, desks.trust, lambda: catalogue, Desk(desks.clock, new_id)
    )
    wanted = Certificate(
        "p",
        "reference_data_validation",
        "human",
        "seen it work",
        expire_time=desks.clock.now() + life,
    )
    await grant(call_of("operator", tenant=desks.tenant), wanted)


class Counting(EmbeddedEngine):
    """The real engine; says how many inputs it was asked about."""

    asked = 0

    async def evaluate(self, point: DecisionPoint, inputs: Sequence[JsonObject]) -> Evaluation:
        self.asked += len(inputs)
        return await super().evaluate(point, inputs)


async def test_discovery_asks_the_engine_once_in_five_seconds_and_changes_always(
    desks: Desks,
) -> None:
    engine = Counting()
    await engine.load(shipped_bundle())
    evaluate = EvaluatePolicies(engine, desks.trust, desks.clock, new_id)
    questions: list[JsonObject] = [{"candidate": {"id": f"p.{i}"}} for i in range(3)]

    async def asked(point: DecisionPoint, count: int) -> tuple[Verdict, ...]:
        engine.asked = 0
        verdicts = await evaluate(desks.service(), point, questions[:count])
        assert len({verdict.decision_id for verdict in verdicts}) == count
        return verdicts

    first = await asked(DecisionPoint.DISCOVER, 2)
    assert engine.asked == 2
    again = await asked(DecisionPoint.DISCOVER, 3)
    assert engine.asked == 1
    assert [v.explanation for v in again[:2]] == [v.explanation for v in first]
    for _ in range(2):
        await asked(DecisionPoint.RETIRE, 2)
        assert engine.asked == 2
    desks.clock.advance(5)
    await asked(DecisionPoint.DISCOVER, 3)
    assert engine.asked == 3
    await engine.close()

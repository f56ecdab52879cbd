"""The projection of the ledger into the evidence that trust rests on."""

import asyncio
from datetime import timedelta

from governance_svc.domain.trust.queries import TrustQuery
from governance_svc.store.tables import trust_cursors, trust_projections
from phoenix_runtime.core.events import AuditEvent
from tests.integration.governance.manual_governance import (
    CAPABILITY,
    ManualGovernance,
    registered,
)
from tests.support.builders.audit_events import audit_event


async def test_trust_recomputed_from_the_ledger_is_the_projection(
    manual_governance: ManualGovernance,
) -> None:
    tenant = manual_governance.tenant
    kinds = ["TASK_SUCCEEDED", "TASK_RETRIED", "ACTION_DENIED", "APPROVAL_DECIDED"]
    for step in range(3):
        events = [
            audit_event(
                tenant,
                type=kind,
                participant=f"p.{i}",
                actor=f"p.{i}",
                task=f"task.{(i + step) % 5}" if i % 2 else "",
            )
            for i in range(7)
            for kind in kinds[: 1 + (i + step) % 4]
        ]
        await manual_governance.append(registered(tenant), *events)
        await manual_governance.project()
    names = ["p", *(f"p.{i}" for i in range(7))]
    async with manual_governance.units.reading(manual_governance.service()) as unit:
        assert await unit.find_projections(names) == await unit.recompute_projections()
        assert await unit.projected_sequence() == (await unit.ledger_head()).sequence


async def test_a_later_entry_takes_back_what_an_earlier_one_said_about_another(
    manual_governance: ManualGovernance,
) -> None:
    """Over steps of the projection, as in one: a task fails with one, then with the next."""
    tenant = manual_governance.tenant

    def failed(who: str, kind: str = "TASK_RETRIED", task: str = "task.1") -> AuditEvent:
        return audit_event(tenant, type=kind, participant=who, task=task)

    await manual_governance.append(failed("p"), failed("p"), failed("p", task="task.2"))
    await manual_governance.project()
    before = (await manual_governance.projections("p"))["p"]
    assert [one.task for one in before.outcomes] == ["task.1", "task.2"]
    await manual_governance.append(failed("q", "TASK_FAILED"))
    await manual_governance.project()
    await manual_governance.append(failed("r", "TASK_SUCCEEDED", "task.2"))
    await manual_governance.project()
    found = await manual_governance.projections("p", "q", "r")
    assert [one.task for one in found["p"].outcomes] == ["task.2"]
    assert [one.task for one in found["p"].excused] == ["task.1"]
    assert (found["q"].outcomes, len(found["q"].excused)) == ((), 1)
    async with manual_governance.units.reading(manual_governance.service()) as unit:
        assert found == await unit.recompute_projections()


async def test_a_projection_of_older_rules_is_computed_anew(
    manual_governance: ManualGovernance,
) -> None:
    await manual_governance.append(registered(manual_governance.tenant))
    await manual_governance.project()
    async with manual_governance.database.transaction(manual_governance.tenant) as connection:
        await connection.run(trust_cursors.update().values(rules="0"))
        await connection.run(trust_projections.update().values(document="{}"))
    await manual_governance.project()
    assert (await manual_governance.projections("p"))["p"].method == "local"


async def test_two_workers_project_no_event_twice(manual_governance: ManualGovernance) -> None:
    tenant = manual_governance.tenant
    events = [audit_event(tenant, type="TASK_SUCCEEDED", participant="p") for _ in range(50)]
    await manual_governance.append(*events)

    async def advance() -> None:
        async with manual_governance.units(manual_governance.service()) as unit:
            await unit.advance_projections(20)

    await asyncio.gather(*(advance() for _ in range(6)))
    assert len((await manual_governance.projections("p"))["p"].outcomes) == 50


async def test_evidence_is_read_again_after_a_second_and_when_it_changed(
    manual_governance: ManualGovernance,
) -> None:
    query = TrustQuery("p", (CAPABILITY,))
    before = await manual_governance.assess(query)
    await manual_governance.append(registered(manual_governance.tenant))
    async with manual_governance.units(manual_governance.service()) as unit:
        await unit.advance_projections(100)
    assert await manual_governance.assess(query) == before
    manual_governance.clock.advance(1)
    after = await manual_governance.assess(query)
    assert after.least > before.least
    await manual_governance.certify(timedelta(days=1))
    certified = await manual_governance.assess(query)
    assert (after.certified, certified.certified) == (frozenset(), {CAPABILITY})

"""What time does to certifications, and that the audit alone describes them."""

from datetime import timedelta
from typing import Any

from governance_svc.adapters.local_ledger import LocalLedger
from governance_svc.adapters.policy_engines.embedded_engine import EmbeddedEngine
from governance_svc.domain.ledger.entries import AuditFilter
from governance_svc.domain.trust.certification_events import certification_of_event
from governance_svc.store.ledger_writer import GroupCommitLedger
from phoenix_runtime.chassis.delivery.relay import Relay
from phoenix_runtime.core.pages import page_request
from phoenix_runtime.core.verdict import DecisionPoint, Effect
from tests.integration.governance.manual_governance import (
    CAPABILITY,
    ManualGovernance,
    registered,
)
from tests.support.waiting.until import until


async def test_a_certification_ends_by_itself(
    manual_governance: ManualGovernance, shipped_engine: EmbeddedEngine
) -> None:
    policy = manual_governance.policy(shipped_engine)
    await manual_governance.append(registered(manual_governance.tenant))
    await manual_governance.project()
    await manual_governance.certify(timedelta(hours=1))
    policy_input = {
        "candidate": {
            "id": "p",
            "owner": "data-governance",
            "status": "active",
            "capabilities": [CAPABILITY],
            "data_domains": [],
            "permissions": [],
        },
        "requirement": {
            "required_capabilities": [CAPABILITY],
            "data_domains": [],
            "risk_level": "high",
            "policy_constraints": [],
        },
    }

    async def effect() -> Effect:
        call = manual_governance.service()
        (verdict,) = await policy.evaluate(call, DecisionPoint.DISCOVER, [policy_input])
        return verdict.effect

    assert await effect() is Effect.ALLOW
    manual_governance.clock.advance(3599)
    assert await effect() is Effect.ALLOW
    manual_governance.clock.advance(1)
    assert await effect() is Effect.DENY


async def test_certifications_are_known_from_the_audit_alone(
    manual_governance: ManualGovernance,
) -> None:
    await manual_governance.certify(timedelta(days=1))

    class NoBus:
        async def publish(self, bus_events: Any) -> None:
            """Drop what is published."""

    ledger = LocalLedger(GroupCommitLedger(manual_governance.database))
    relay = Relay(
        manual_governance.worker, manual_governance.outbox, ledger=ledger, publisher=NoBus()
    )
    await relay.start()
    try:
        wanted = AuditFilter(types=("CERTIFICATION_GRANTED",))

        async def look() -> Any:
            async with manual_governance.units.reading(manual_governance.service()) as unit:
                return (await unit.list_entries(wanted, page_request(0, "", {}))).items

        (entry,) = await until(look)
    finally:
        await relay.stop()
    async with manual_governance.units.reading(manual_governance.service()) as unit:
        held = await unit.unrevoked_certifications(["p"])
    assert held["p"] == (certification_of_event(entry.event),)

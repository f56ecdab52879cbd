"""Trust over gRPC, from the ledger: explained, and in the numbers by which discovery orders."""

import pytest

from phoenix_dma.v1 import governance_pb2
from phoenix_runtime.core.errors import FieldInvalid, NotFound, NotPermitted
from phoenix_runtime.core.verdict import DecisionPoint, Effect
from registry_svc.adapters.governance import GrpcGovernance
from tests.integration.governance.conftest import Governance
from tests.integration.governance.participants import (
    STEWARD,
    candidate,
    certify,
    projected,
    registered,
    task,
    trust,
)
from tests.support.builders.audit_events import audit_event

REQUIREMENTS = (
    ["duplicate_detection"],
    ["customer_validation"],
    ["duplicate_detection", "customer_validation"],
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_trust_follows_the_ledger_and_names_the_events_behind_it(
    governance: Governance,
) -> None:
    before = await projected(governance, registered(governance.tenant))
    losses = [
        audit_event(
            governance.tenant,
            type="TASK_MIGRATING",
            participant=STEWARD,
            reason_code="participant_failed",
        )
        for _ in range(3)
    ]
    after = await projected(governance, *losses)
    assert after.least < before.least
    assert dict(after.thresholds) == {"low": 0.3, "medium": 0.5, "high": 0.7}
    assert after.as_of_sequence >= 4
    score = after.scores["duplicate_detection"]
    (term,) = [t for t in score.terms if t.name == "historical_reliability"]
    assert set(term.evidence) == {event.event_id for event in losses}
    assert "0 of 3" in term.because


async def test_trust_in_somebody_unknown_is_not_found(governance: Governance) -> None:
    with pytest.raises(NotFound):
        await trust(governance, "nobody")


async def test_what_is_told_in_numbers_is_what_policy_judges_by(governance: Governance) -> None:
    asked, call = GrpcGovernance(governance.channels), governance.own_call()
    for certified in (False, True):
        if certified:
            await certify(governance)
        else:
            await projected(governance, registered(governance.tenant))
        [known] = await asked.trust_of(call, [STEWARD])
        inputs = [
            {"candidate": candidate(), "requirement": task("low", *required)}
            for required in REQUIREMENTS
        ]
        verdicts = await asked.evaluate(call, DecisionPoint.DISCOVER, inputs)
        for required, verdict in zip(REQUIREMENTS, verdicts, strict=True):
            assert verdict.effect is Effect.ALLOW
            assert known.least(required) == pytest.approx(verdict.trust, abs=2e-6)
            assert known.certified_among(required) == len(verdict.facts["certified"])  # type: ignore[arg-type]


async def test_whoever_is_on_no_record_has_a_trust_too_and_all_stand_in_order(
    governance: Governance,
) -> None:
    await projected(governance, registered(governance.tenant))
    asked, call = GrpcGovernance(governance.channels), governance.own_call()
    ids = [f"agent.{number}" for number in range(600)]
    known = await asked.trust_of(call, [*ids, STEWARD])
    assert len(known) == 601
    assert {one.general for one in known[:-1]} == {known[0].general}
    assert known[-1].general > known[0].general


async def test_services_alone_ask_and_for_so_many(governance: Governance) -> None:
    method = governance.policies.BatchGetTrust
    many = governance_pb2.BatchGetTrustRequest(participant_ids=["agent.a"] * 501)
    with pytest.raises(FieldInvalid, match="more than 500"):
        await governance.as_service(method, many)
    few = governance_pb2.BatchGetTrustRequest(participant_ids=["agent.a"])
    with pytest.raises(NotPermitted):
        await governance.as_person(method, few, "operator")

"""What time does to approvals, and whom even a lax policy lets decide nothing (I13)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from governance_svc.adapters.bundle_folder import shipped_bundle
from governance_svc.adapters.policy_engines.embedded_engine import EmbeddedEngine
from governance_svc.domain.approvals.approval import Decision
from governance_svc.domain.lifecycle import ApprovalStatus
from governance_svc.domain.policy.bundle import make_bundle
from governance_svc.usecases.policy.evaluate_policies import EvaluatePolicies
from phoenix_runtime.core.durations import CLAIM_DURATION
from phoenix_runtime.core.errors import IllegalTransition, NotPermitted
from tests.integration.governance.manual_governance import HANG_GUARD, ManualGovernance
from tests.support.builders.calls import call_of

LAX = """
package phoenix.approval.decide

import data.phoenix.verdict as answers

verdict := answers.of("phoenix.approval.decide", {
    "allow": {said | input.approval; said := {"rule": "lax", "text": "Yes.", "remedy": ""}},
    "deny": set(), "ask": set(), "obligations": set(),
})
"""


@pytest_asyncio.fixture
async def lax_policy(manual_governance: ManualGovernance) -> AsyncIterator[EvaluatePolicies]:
    """A policy that lets everybody decide."""
    shipped = shipped_bundle()
    modules = {**shipped.modules, "approval_decide.rego": LAX}
    engine = EmbeddedEngine(HANG_GUARD)
    bundle = make_bundle(modules, shipped.data)
    await engine.load(bundle, tested=True)
    yield manual_governance.policy(engine, bundle)
    await engine.close()


async def test_an_approval_that_nobody_decided_expires_once_and_counts_as_refusal(
    manual_governance: ManualGovernance,
) -> None:
    asked = await manual_governance.ask()
    manual_governance.clock.advance(timedelta(days=7).total_seconds() - 1)
    await manual_governance.expire()()
    assert await manual_governance.status(asked) is ApprovalStatus.PENDING
    manual_governance.clock.advance(1)
    await asyncio.gather(manual_governance.expire()(), manual_governance.expire()())
    assert await manual_governance.status(asked) is ApprovalStatus.EXPIRED
    assert await manual_governance.ask() == asked
    assert ApprovalStatus.EXPIRED.refuses


async def test_a_step_rests_until_the_next_approval_ends_and_never_longer(
    manual_governance: ManualGovernance,
) -> None:
    await manual_governance.ask()
    manual_governance.clock.advance(timedelta(days=7).total_seconds() - 1)
    rest: bool | timedelta = True
    while rest is True:  # other tenants' approvals end, too
        rest = await manual_governance.expire()()
    assert isinstance(rest, timedelta)
    assert timedelta() < rest <= timedelta(seconds=1)


async def test_a_claim_whose_worker_died_is_made_again(
    manual_governance: ManualGovernance,
) -> None:
    asked = await manual_governance.ask()
    clock, claims = manual_governance.clock, manual_governance.claims()
    clock.advance(timedelta(days=8).total_seconds())
    mine = (manual_governance.tenant, asked)
    assert mine in await claims.expired_approvals(clock.now(), limit=1000)
    assert mine not in await claims.expired_approvals(clock.now(), limit=1000)
    clock.advance(CLAIM_DURATION.total_seconds() - 0.1)
    assert mine not in await claims.expired_approvals(clock.now(), limit=1000)
    clock.advance(0.1)
    assert mine in await claims.expired_approvals(clock.now(), limit=1000)


async def test_an_expired_approval_cannot_be_decided_however_late_its_worker_is(
    manual_governance: ManualGovernance, lax_policy: EvaluatePolicies
) -> None:
    asked = await manual_governance.ask()
    manual_governance.clock.advance(timedelta(days=7).total_seconds())
    decide = manual_governance.decide(lax_policy)
    reviewer = call_of(
        "reviewer", tenant=manual_governance.tenant, participant="ann", participant_type="human"
    )
    with pytest.raises(IllegalTransition):
        await decide(reviewer, Decision(asked, approve=True, comment="late"))


@pytest.mark.parametrize(
    ("participant", "kind", "role"),
    [("sam", "human", "reviewer"), ("ann", "agent", "reviewer"), ("ann", "human", "operator")],
)
async def test_even_a_lax_policy_lets_nobody_decide_who_may_never(
    manual_governance: ManualGovernance,
    lax_policy: EvaluatePolicies,
    participant: str,
    kind: str,
    role: str,
) -> None:
    asked = await manual_governance.ask()
    caller = call_of(
        role, tenant=manual_governance.tenant, participant=participant, participant_type=kind
    )
    with pytest.raises(NotPermitted):
        await manual_governance.decide(lax_policy)(
            caller, Decision(asked, approve=True, comment="mine")
        )
    assert await manual_governance.status(asked) is ApprovalStatus.PENDING

"""What decides already is not activated once more, however often somebody asks."""

from typing import Any

import pytest

from phoenix_dma.v1 import audit_pb2, governance_pb2
from phoenix_runtime.core.verdict import Effect
from tests.integration.governance.conftest import Governance
from tests.integration.governance.policies import activation_of, decide, propose, upload
from tests.support.waiting.until import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def activations(governance: Governance) -> int:
    """How many activations the ledger has."""
    request = audit_pb2.ListAuditEventsRequest(type=["POLICY_ACTIVATED"])
    answer = await governance.as_person(governance.audit.ListAuditEvents, request, "auditor")
    return len(answer.events)


async def answered(governance: Governance, revision: str, by: str = "bob") -> Any:
    """The whole answer to an activation."""
    request = governance_pb2.ActivatePolicyRequest(overlay_revision=revision)
    method = governance.policies.ActivatePolicy
    return await governance.as_person(method, request, "policy_admin", sub=by)


async def test_what_decides_already_is_answered_as_it_stands_and_nothing_is_written(
    governance: Governance,
) -> None:
    shipped = await answered(governance, "")
    assert (shipped.already_active, shipped.policy.active) == (True, True)
    kept = await upload(governance)
    first = await answered(governance, kept.overlay_revision)
    assert (first.already_active, bool(first.receipt.audit_event_id)) == (False, True)
    await until(lambda: activation_of(governance, kept.overlay_revision))
    written = await activations(governance)
    # Who uploaded it may ask, too: nothing is decided.
    for by in ("bob", "ann"):
        again = await answered(governance, kept.overlay_revision, by)
        assert (again.already_active, again.receipt.audit_event_id) == (True, "")
        assert again.receipt.aggregate_version == first.receipt.aggregate_version
        assert (again.policy.active, again.policy.activated_by) == (True, "bob")
    assert (await decide(governance, 12_000)).effect is Effect.REQUIRE_APPROVAL
    nothing = (await propose(governance, "")).overlay_revision
    back = await answered(governance, nothing)
    assert back.already_active is False
    for again in ("", nothing):
        assert (await answered(governance, again)).already_active is True

    async def one_more() -> bool | None:
        return await activations(governance) >= written + 1 or None

    await until(one_more)
    # Versions of the aggregate have no gap: what was written is the one that went back.
    assert back.receipt.aggregate_version == first.receipt.aggregate_version + 1
    assert await activations(governance) == written + 1

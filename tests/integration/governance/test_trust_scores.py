"""Trust scores over gRPC, from the ledger."""

import pytest

from phoenix_runtime.core.errors import (
    NotFound,
)
from tests.integration.governance.conftest import Governance
from tests.integration.governance.participants import (
    STEWARD,
    projected,
    registered,
    trust,
)
from tests.support.builders.audit_events import audit_event

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

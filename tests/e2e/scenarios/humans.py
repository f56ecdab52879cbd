"""Humans who decide, and the approvals that they are asked for."""

from __future__ import annotations

from phoenix_dma.v1 import approval_pb2
from tests.e2e.scenarios.intervals import PATIENCE
from tests.e2e.scenarios.participant import Participant
from tests.e2e.scenarios.scenario import TASK, Scenario
from tests.support.waiting.until import until

HUMAN = "human.data-steward.01"


async def human(scenario: Scenario, name: str = HUMAN, owner: str = "data-stewards") -> Participant:
    """Register a human who decides on approvals."""
    return await scenario.participant(
        name,
        type="human",
        owner=owner,
        capabilities=[],
        permissions=[],
        roles=("participant", "reviewer"),
    )


async def waiting(scenario: Scenario, task_id: str = TASK) -> approval_pb2.Approval:
    """Wait for the pending approval that concerns the task."""
    operator = await scenario.operator()

    async def look() -> approval_pb2.Approval | None:
        found = await operator.list_approvals(statuses=("pending",), task_id=task_id)
        return found[0] if found else None

    return await until(look, PATIENCE)

"""Humans who decide, and the approvals that they are asked for."""

from __future__ import annotations

from typing import Any

import pytest

from phoenix_dma.errors import ApprovalRequired
from phoenix_dma.v1 import approval_pb2
from phoenix_dma.wire.conversions import json_of
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


async def asked_once(
    scenario: Scenario,
    steward: Participant,
    epoch: int,
    *,
    subject: dict[str, object],
    **action: Any,
) -> approval_pb2.Approval:
    """Ask for the same authorization twice: there is one approval, with the content."""
    with pytest.raises(ApprovalRequired) as asked:
        await steward.authorize(TASK, epoch, subject=subject, **action)
    question = await waiting(scenario)
    assert question.approval_id == asked.value.approval_id
    assert json_of(question.subject) == subject, "this is what the human sees"
    with pytest.raises(ApprovalRequired) as again:
        await steward.authorize(TASK, epoch, subject=subject, **action)
    assert again.value.approval_id == question.approval_id, "the same question is asked once"
    return question

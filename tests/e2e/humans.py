"""People who are there to decide, and what they are asked."""

from __future__ import annotations

from phoenix_dma.v1 import approval_pb2
from tests.e2e.intervals import PATIENCE
from tests.e2e.participant import Participant
from tests.e2e.stage import TASK, Stage
from tests.support.waiting.until import until

HUMAN = "human.data-steward.01"


async def human(stage: Stage, name: str = HUMAN, owner: str = "data-stewards") -> Participant:
    """A temporary participant that is there to decide."""
    return await stage.participant(
        name,
        type="human",
        owner=owner,
        capabilities=[],
        permissions=[],
        roles=("participant", "reviewer"),
    )


async def waiting(stage: Stage, task_id: str = TASK) -> approval_pb2.Approval:
    """The question that is put to the humans about the task."""
    operator = await stage.operator()

    async def look() -> approval_pb2.Approval | None:
        found = await operator.list_approvals(statuses=("pending",), task_id=task_id)
        return found[0] if found else None

    return await until(look, PATIENCE)

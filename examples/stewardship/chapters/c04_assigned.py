"""Step 4 of section 13."""

from __future__ import annotations

from examples.stewardship import scenario
from examples.stewardship.story import Story, terms
from phoenix_dma.declare import task
from phoenix_dma.v1 import assignment_pb2

TITLE = "Assignment engine selects Customer Steward Agent."


async def play(story: Story) -> None:
    """The best candidate is chosen, with its score, and why the others lost."""
    await story.steady(scenario.STEWARD, scenario.BACKUP)
    assigned = await story.api.assign(task({"task_id": scenario.TASK}))
    story.tell.line(assigned.explanation)
    story.tell.line(f"score {assigned.score.total:.3f}:")
    for term in terms(assigned.score):
        story.tell.line(f"    {term}")
    for other in assigned.alternatives:
        story.tell.line(f"not {other.participant_id}: {other.failed}, {other.because}")
    story.holds(
        assigned.decision == assignment_pb2.ASSIGNMENT_DECISION_APPROVED
        and assigned.participant_id == scenario.STEWARD,
        f"{assigned.assignment_id} binds it to {assigned.participant_id}, "
        f"decision {assigned.policy_decision_id}",
    )
    story.facts["first_epoch"] = assigned.task.assignment.epoch
    lost = {other.participant_id: other for other in assigned.alternatives}
    story.holds(
        scenario.BACKUP in lost and lost[scenario.BACKUP].score.total < assigned.score.total,
        f"{scenario.BACKUP} was considered, and lost by its score: it costs more",
    )

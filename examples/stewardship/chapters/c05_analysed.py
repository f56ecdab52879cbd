"""Step 5 of section 13."""

from __future__ import annotations

from examples.stewardship import scenario
from examples.stewardship.story import Story, because, decision

TITLE = "Agent analyzes candidate records and checkpoints findings."


async def play(story: Story) -> None:
    """The steward asks to read, compares batch after batch, and checkpoints each."""
    steward = story.steward
    assert steward is not None
    read = await steward.says("may_read")
    event = await story.event("ACTION_AUTHORIZED")
    verdict = decision(event)
    story.holds(
        verdict["decision_id"] == read["decision"] and verdict["effect"] == "allow",
        f"its own read was decided by {verdict['decision_id']}: {because(verdict)}",
    )
    story.holds(
        verdict["policy_revision"] == story.facts["read_revision"],
        "under the same policy that was tried in step 3",
    )
    for number in range(1, scenario.POLICY_AFTER + 1):
        made = await steward.says("checkpointed", lambda line, n=number: line["batch"] == n)
        story.tell.line(f"batch {number} is checkpointed as version {made['version']}")
    recorded = await story.event("CONTEXT_CHECKPOINTED")
    story.holds(
        recorded.actor == scenario.STEWARD and recorded.output_references,
        f"each checkpoint has its hash in the audit: {' '.join(recorded.output_references)}",
    )

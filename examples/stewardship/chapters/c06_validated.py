"""Step 6 of section 13."""

from __future__ import annotations

from examples.stewardship import scenario
from examples.stewardship.story import Story

TITLE = "Policy Agent validates merge constraints."


async def play(story: Story) -> None:
    """A child task, governed like any other, judges what was found so far."""
    steward = story.steward
    assert steward is not None
    # A steward that loses its lease while it waits asks again: the child that was answered counts.
    answered = await steward.says("policy_answered")
    child = await story.api.get_task(answered["child"])
    story.facts["first_child"] = child.id
    story.holds(
        child.message.parent_task_id == scenario.TASK
        and child.correlation_id == story.facts["correlation"],
        f"{child.id} is a child of the review, under its correlation id",
    )
    story.holds(
        child.status == "succeeded" and answered["by"] == scenario.POLICY_AGENT,
        f"{scenario.POLICY_AGENT} checked {answered['checked']} findings",
    )
    for breach in answered["breaches"][:3]:
        story.tell.line(f"against {breach['left']} + {breach['right']}: {breach['text']}")
    story.facts["breaches"] = len(answered["breaches"])
    # Of that version, not of the last: the steward has gone on meanwhile.
    version = answered["version"]
    context = await story.client.load_context(f"phoenix://state/{scenario.TASK}/{version}")
    (decided,) = context["decisions"]
    story.holds(
        decided["task"] == child.id and decided["breaches"] == answered["breaches"],
        f"its answer stands as a decision in the context, version {version}",
    )

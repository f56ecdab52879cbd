"""Step 1 of section 13."""

from __future__ import annotations

from examples.stewardship import scenario
from examples.stewardship.story import Story
from phoenix_dma.declare import task

TITLE = "Task submitted: validate duplicate customer candidates."


async def play(story: Story) -> None:
    """A submitter gives the runtime a task; nobody holds it yet."""
    submitted = await story.api.submit(
        task(
            {
                "task_id": scenario.TASK,
                "objective": "Validate duplicate customer candidates",
                "required_capabilities": scenario.CAPABILITIES,
                "data_domains": [scenario.DOMAIN],
                "risk_level": "medium",
                "policy_constraints": scenario.CONSTRAINTS,
                "input": {"records": "febrl1", "batch_size": scenario.BATCH_SIZE},
                "on_request": True,  # so that each step of the story can be seen by itself
            }
        )
    )
    story.facts["correlation"] = submitted.correlation_id
    story.tell.line(f"{submitted.id}, constrained by {', '.join(scenario.CONSTRAINTS)}")
    story.holds(submitted.status == "pending", "it is pending: nobody holds it")
    event = await story.event("TASK_SUBMITTED")
    story.holds(
        event.correlation_id == submitted.correlation_id,
        f"its audit begins, under one correlation id for its whole life: {event.correlation_id}",
    )

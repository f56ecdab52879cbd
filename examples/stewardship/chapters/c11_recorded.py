"""Step 11 of section 13."""

from __future__ import annotations

from examples.stewardship import scenario
from examples.stewardship.story import Story, decision
from phoenix_dma.v1 import audit_pb2
from phoenix_dma.wire.conversions import time_of

TITLE = "Phoenix records full audit lineage."

MUST_HOLD = (
    "TASK_SUBMITTED",
    "ASSIGNMENT_CREATED",
    "TASK_STARTED",
    "ACTION_AUTHORIZED",
    "CONTEXT_CHECKPOINTED",
    "HANDOFF_INITIATED",
    "TASK_MIGRATING",
    "HANDOFF_OFFERED",
    "HANDOFF_COMPLETED",
    "APPROVAL_REQUESTED",
    "APPROVAL_DECIDED",
    "TASK_SUCCEEDED",
)


async def play(story: Story) -> None:
    """Every event, its decision, its actor, in order; and nothing is missing."""
    await story.event("TASK_SUCCEEDED", lambda event: event.task == scenario.TASK)
    found = await story.events()
    for event in found:
        story.tell.line(_told(event))
    kinds = [event.type for event in found]
    missing = [kind for kind in MUST_HOLD if kind not in kinds]
    story.holds(not missing, f"{len(found)} events tell the whole story")
    story.holds(
        all(event.correlation_id == story.facts["correlation"] for event in found),
        f"all under {story.facts['correlation']}",
    )
    # Not that of the ledger: what a service that was down had to say arrives there later.
    times = [event.timestamp.ToNanoseconds() for event in found]
    story.holds(times == sorted(times), "in the order in which it happened")
    problems = await story.judge()
    for problem in problems:
        story.tell.line(problem)
    story.holds(not problems, "validate, over tables and audit, found nothing missing")


def _told(event: audit_pb2.AuditEvent) -> str:
    when = time_of(event.timestamp).strftime("%H:%M:%S.%f")[:-3]
    change = f"{event.previous_state or '·'} → {event.new_state}" if event.new_state else ""
    verdict = decision(event)
    rests = f"  [{verdict['decision_id']} {verdict['effect']}]" if verdict else ""
    whose = "" if event.task == scenario.TASK else f"  ({event.task})"
    return f"{when}  {event.type:<22} {change:<28} {event.actor}{whose}{rests}"

"""Step 7 of section 13."""

from __future__ import annotations

from examples.stewardship import scenario
from examples.stewardship.story import Story
from phoenix_dma.v1 import assignment_pb2, audit_pb2, registry_pb2

TITLE = "Customer Steward Agent fails heartbeat."


async def play(story: Story) -> None:
    """SIGKILL in the middle of a batch; the lease runs out, and the dead one's epoch is burnt."""
    steward = story.steward
    assert steward is not None
    middle = await steward.says("in_the_middle")
    before = await story.task()
    story.facts["version_at_death"] = before.last_checkpoint.version
    story.facts["hash_at_death"] = before.last_checkpoint.hash
    asked = await steward.says("proposed")
    story.facts["asked_before"] = asked["approval"]
    story.tell.line(
        f"it has put {asked['pairs']} pairs before a human ({asked['approval']}) and works on"
    )
    await steward.kill()
    story.tell.line(f"SIGKILL, {middle['compared']} pairs into batch {middle['batch']}")
    story.holds(
        [line["batch"] for line in steward.all("checkpointed")]
        == list(range(1, scenario.KILLED_IN)),
        f"batches 1 to {scenario.KILLED_IN - 1} were checkpointed,"
        f" batch {scenario.KILLED_IN} was not",
    )
    failed = await story.until(lambda: _failure(story), "the lease run out")
    story.holds(
        failed.new_state == "failed",
        f"the lease ran out: {failed.type} ({failed.reason_code})",
    )
    migrating = await story.event("TASK_MIGRATING")
    story.holds(
        migrating.reason_code == "participant_failed",
        f"the task is fenced before anybody is asked: {migrating.previous_state} → "
        f"{migrating.new_state}, epoch {story.facts['first_epoch']} is burnt",
    )
    story.holds(
        (await story.task()).status != assignment_pb2.TASK_STATUS_FAILED,
        "the task itself has not failed",
    )


async def _failure(story: Story) -> audit_pb2.AuditEvent | None:
    found = await story.api.get_participant(scenario.STEWARD)
    if found.status != registry_pb2.PARTICIPANT_STATUS_FAILED:
        return None
    request = audit_pb2.ListAuditEventsRequest(
        participant=scenario.STEWARD, type=["PARTICIPANT_FAILED"]
    )
    events = await story.api.audit(request)
    return events[0] if events else None

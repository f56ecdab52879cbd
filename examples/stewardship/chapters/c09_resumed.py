"""Step 9 of section 13."""

from __future__ import annotations

from examples.stewardship import scenario
from examples.stewardship.processes import Line
from examples.stewardship.story import Story
from phoenix_dma.v1 import audit_pb2

TITLE = "Backup agent resumes from checkpoint."


async def play(story: Story) -> None:
    """The backup is shown everything, redoes nothing; a zombie's late write is refused."""
    backup, steward = story.backup, story.steward
    assert backup is not None
    assert steward is not None
    _shown(story, await backup.says("restored"))
    await backup.says("proposing")
    _redone_nothing(story)
    zombie = await story.processes.enter(
        "zombie",
        "zombie",
        *("--id", scenario.STEWARD),
        *("--epoch", str(story.facts["first_epoch"])),
        *("--version", str(story.facts["version_at_death"])),
    )
    refused = await zombie.says("refused")
    story.tell.line(f"the dead steward comes back and writes: {refused['text']}")
    story.holds(
        refused["reason"] == "STALE_ASSIGNMENT",
        f"{refused['reason']}: its epoch is {refused['facts'].get('epoch')}, "
        f"the task's {refused['facts'].get('current_epoch')}",
    )
    event = await story.until(lambda: _attempt(story), "the attempt in the audit")
    story.holds(event.actor == scenario.STEWARD, f"the attempt is in the audit ({event.event_id})")


async def _attempt(story: Story) -> audit_pb2.AuditEvent | None:
    """The refusal of the zombie's write: an aggregate of its own, as it changed nothing."""
    request = audit_pb2.ListAuditEventsRequest(type=["ACCESS_REFUSED"])
    events = await story.api.audit(request)
    return next((event for event in events if event.actor == scenario.STEWARD), None)


def _shown(story: Story, restored: Line) -> None:
    """Artifacts, decisions, approvals, open obligations and lineage, each as they were left."""
    done = scenario.KILLED_IN - 1
    story.holds(
        restored["version"] == story.facts["version_at_death"]
        and restored["hash"] == story.facts["hash_at_death"],
        f"it starts from version {restored['version']}, {restored['hash'][:19]}…",
    )
    artifacts = restored["artifacts"]
    story.holds(
        [(a["batch"], a["by"]) for a in artifacts]
        == [(number, scenario.STEWARD) for number in range(1, done + 1)],
        f"artifacts: {done} batches, {restored['findings']} findings, by {scenario.STEWARD}",
    )
    policy, proposed = restored["decisions"]
    story.holds(
        policy["task"] == story.facts["first_child"] and proposed["kind"] == "proposed",
        f"decisions: the policy agent's, {policy['task']}, and what was proposed, "
        f"{len(proposed['subject']['pairs'])} pairs",
    )
    asked = story.facts["asked_before"]
    story.holds(
        restored["approvals"] == {asked: "pending"},
        f"approvals: {asked}, which the dead steward asked for, has not been decided yet",
    )
    story.holds(
        "decision_rationale" in restored["obligations"],
        f"open obligations: {', '.join(restored['obligations'])}",
    )
    lineage = restored["lineage"]
    story.holds(
        lineage[0] == "TASK_SUBMITTED" and "TASK_MIGRATING" in lineage,
        f"lineage: {len(lineage)} events, from {lineage[0]} to {lineage[-1]}",
    )


def _redone_nothing(story: Story) -> None:
    """By counting: every batch was checkpointed once, and only the interrupted one begun twice."""
    assert story.steward is not None
    assert story.backup is not None
    first = [line["batch"] for line in story.steward.all("checkpointed")]
    second = [line["batch"] for line in story.backup.all("checkpointed")]
    begun = [line["batch"] for line in story.backup.all("analysing")]
    every = list(range(1, max(second) + 1))
    story.holds(
        first + second == every,
        f"batches {first[0]} to {first[-1]} by the first, {second[0]} to {second[-1]} by the "
        f"backup: {len(every)} in all, each once",
    )
    story.holds(
        begun == second and not set(begun) & set(first),
        "the backup compared no pair again that had been checkpointed",
    )
    story.facts["batches"] = len(every)

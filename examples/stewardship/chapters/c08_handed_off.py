"""Step 8 of section 13."""

from __future__ import annotations

from examples.stewardship import scenario
from examples.stewardship.story import Story, because, decision, detail

TITLE = "Phoenix initiates handoff to backup steward agent."


async def play(story: Story) -> None:
    """One handoff: initiated, offered with the context, proved to be received, completed."""
    initiated = await story.event("HANDOFF_INITIATED")
    offered = await story.event("HANDOFF_OFFERED")
    completed = await story.event("HANDOFF_COMPLETED")
    story.tell.line(f"{initiated.handoff} from {scenario.STEWARD}, because {initiated.reason_code}")
    verdict = decision(offered)
    story.tell.line(f"offered to {detail(offered).get('target')}: {because(verdict)}")
    said = detail(completed)
    story.holds(
        said["source"] == scenario.STEWARD and said["target"] == scenario.BACKUP,
        f"it went from {said['source']} to {said['target']}",
    )
    story.holds(
        said["received_hash"] == story.facts["hash_at_death"],
        f"the backup proved that it received the last checkpoint: {said['received_hash']}",
    )
    story.holds(
        set(said["accepted_obligations"]) == {scenario.CONSTRAINTS[0], "decision_rationale"},
        f"and accepted what is owed: {', '.join(said['accepted_obligations'])}",
    )
    task = await story.task()
    story.facts["second_epoch"] = task.assignment.epoch
    story.holds(
        task.assignment.participant_id == scenario.BACKUP
        and task.assignment.epoch > story.facts["first_epoch"],
        f"one transaction: new owner, epoch {task.assignment.epoch} after "
        f"{story.facts['first_epoch']}, audit",
    )
    story.holds(
        task.correlation_id == story.facts["correlation"], "the task is still the same task"
    )

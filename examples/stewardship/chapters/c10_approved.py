"""Step 10 of section 13."""

from __future__ import annotations

import json
from typing import Any

from examples.stewardship import scenario
from examples.stewardship.analysis import ordered, quality
from examples.stewardship.linkage import people
from examples.stewardship.story import Story
from phoenix_dma.v1 import approval_pb2
from phoenix_dma.wire.conversions import json_of

TITLE = "Human steward approves or rejects recommendation."


async def play(story: Story) -> None:
    """A human rejects the first proposal, with a comment; the revised one is approved, and done."""
    human, owner = scenario.HUMAN, scenario.HUMAN_OWNER
    await story.processes.command("user", "add", human, "--role", "reviewer", "--owner", owner)
    first = await _asked(story, set())
    _show(story, "proposed", first)
    story.holds(
        first.approval_id == story.facts["asked_before"],
        f"{scenario.BACKUP} waits for the answer to what {scenario.STEWARD} asked:"
        " the same content",
    )
    comment = "Names and addresses alone do not make one person: only pairs that score 0.6."
    rejected = await _decide(story, "reject", first, comment)
    story.holds(rejected["status"] == "rejected", f"{scenario.HUMAN} rejects it: {comment}")
    second = await _asked(story, {first.approval_id})
    _show(story, "revised", second)
    story.holds(
        second.subject_hash != first.subject_hash and second.approval_id != first.approval_id,
        f"other content, so asked anew: {second.subject_hash[:19]}… after "
        f"{first.subject_hash[:19]}…",
    )
    story.holds(not list(story.merges.glob("*.json")), "nothing has been merged so far")
    comment = "Every pair agrees on what families do not share."
    approved = await _decide(story, "approve", second, comment)
    story.holds(approved["status"] == "approved", f"{scenario.HUMAN} approves it: {comment}")
    await _merged(story, second)
    await story.processes.command("retire", scenario.HUMAN, "--mode", "immediate")
    story.tell.line(f"{scenario.HUMAN} took part for this decision, and retires")


async def _asked(story: Story, known: set[str]) -> approval_pb2.Approval:
    async def look() -> approval_pb2.Approval | None:
        found = await story.api.list_approvals(statuses=("pending",), task_id=scenario.TASK)
        return next((approval for approval in found if approval.approval_id not in known), None)

    return await story.until(look, "the question to a human")


async def _decide(story: Story, verb: str, asked: approval_pb2.Approval, comment: str) -> Any:
    """As a person does, on the command line."""
    return await story.processes.command(
        *("approvals", verb, asked.approval_id),
        *("--as", scenario.HUMAN, "--comment", comment),
    )


async def _merged(story: Story, approval: approval_pb2.Approval) -> None:
    """Exactly what was approved was carried out, once, and how good it is."""
    task = await story.api.wait_for(scenario.TASK, timeout=300)
    story.holds(task.status == "succeeded", f"the task has {task.status}")
    result = task.result or {}
    approved = json_of(approval.subject)
    story.holds(result["pairs"] == approved["pairs"], "merged is exactly what was approved")
    (file,) = story.merges.glob("*.json")
    golden = json.loads(file.read_text())
    story.holds(
        file.stem == result["authorization_id"] and len(golden) == len(approved["pairs"]),
        f"{len(golden)} golden records, under the authorization {file.stem}",
    )
    event = await story.event(
        "ACTION_AUTHORIZED", lambda event: approval.approval_id in str(event.detail)
    )
    story.holds(event.actor == scenario.BACKUP, f"the approval was used once: {event.event_id}")
    measured = quality((ordered(*pair) for pair in result["pairs"]), people().known)
    story.facts["quality"] = measured
    story.holds(measured.precision == 1.0, f"measured against the known duplicates: {measured}")


def _show(story: Story, what: str, approval: approval_pb2.Approval) -> None:
    subject = json_of(approval.subject)
    story.tell.line(
        f"{what}: merge {len(subject['pairs'])} pairs, the least sure at "
        f"{subject['lowest_score']:.2f}, {subject['left_out']} left out ({approval.approval_id})"
    )

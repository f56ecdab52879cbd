"""Step 2 of section 13."""

from __future__ import annotations

from collections.abc import Sequence

from examples.stewardship import stage
from examples.stewardship.story import Story, terms
from phoenix_dma.v1 import common_pb2, registry_pb2

TITLE = "Phoenix discovers Customer Steward Agent and Policy Agent."


async def play(story: Story) -> None:
    """Three agents join, and discovery finds who can do what."""
    story.policy = await story.cast.enter("policy-agent", "policy_agent")
    arguments = ("--id", stage.STEWARD, "--merges", str(story.merges))
    hold = ("--hold-in-batch", str(stage.KILLED_IN))
    story.steward = await story.cast.enter("steward", "steward", *arguments, *hold)
    arguments = ("--id", stage.BACKUP, "--merges", str(story.merges), "--cost", "2")
    story.backup = await story.cast.enter("backup", "steward", *arguments)
    for player in (story.policy, story.steward, story.backup):
        await player.says("here")
    await story.steady(stage.POLICY_AGENT, stage.STEWARD, stage.BACKUP)
    stewards = await _discover(story, stage.CAPABILITIES)
    story.holds(
        stewards == [stage.STEWARD, stage.BACKUP],
        f"stewards for the review, best first: {', '.join(stewards)}",
    )
    policy = await _discover(story, ["policy_check"])
    story.holds(policy == [stage.POLICY_AGENT], f"for policy checks: {', '.join(policy)}")


async def _discover(story: Story, capabilities: Sequence[str]) -> list[str]:
    found = await story.api.discover(
        registry_pb2.DiscoverParticipantsRequest(
            required_capabilities=capabilities,
            data_domains=[stage.DOMAIN],
            risk_level=common_pb2.RISK_LEVEL_MEDIUM,
            policy_constraints=stage.CONSTRAINTS,
        )
    )
    story.tell.line(f"who can do {', '.join(capabilities)} on {stage.DOMAIN}?")
    for candidate in found.candidates:
        story.tell.line(f"  {candidate.participant_id}  rank {candidate.rank.total:.3f}")
        for term in terms(candidate.rank):
            story.tell.line(f"      {term}")
    for excluded in found.excluded:
        story.tell.line(f"  not {excluded.participant_id}: {excluded.because}")
    return [candidate.participant_id for candidate in found.candidates]

"""Step 2 of section 13."""

from __future__ import annotations

from collections.abc import Sequence

from examples.stewardship import scenario
from examples.stewardship.story import Story, terms
from phoenix_dma.v1 import common_pb2, registry_pb2

TITLE = "Phoenix discovers Customer Steward Agent and Policy Agent."


async def play(story: Story) -> None:
    """Three agents join, and discovery finds who can do what."""
    story.policy = await story.processes.enter("policy-agent", "policy_agent")
    arguments = ("--id", scenario.STEWARD, "--merges", str(story.merges))
    hold = ("--hold-in-batch", str(scenario.KILLED_IN))
    story.steward = await story.processes.enter("steward", "steward", *arguments, *hold)
    arguments = ("--id", scenario.BACKUP, "--merges", str(story.merges), "--cost", "2")
    story.backup = await story.processes.enter("backup", "steward", *arguments)
    for player in (story.policy, story.steward, story.backup):
        await player.says("here")
    await story.steady(scenario.POLICY_AGENT, scenario.STEWARD, scenario.BACKUP)
    stewards = await _discover(story, scenario.CAPABILITIES)
    story.holds(
        stewards == [scenario.STEWARD, scenario.BACKUP],
        f"stewards for the review, best first: {', '.join(stewards)}",
    )
    policy = await _discover(story, ["policy_check"])
    story.holds(policy == [scenario.POLICY_AGENT], f"for policy checks: {', '.join(policy)}")


async def _discover(story: Story, capabilities: Sequence[str]) -> list[str]:
    found = await story.api.discover(
        registry_pb2.DiscoverParticipantsRequest(
            required_capabilities=capabilities,
            data_domains=[scenario.DOMAIN],
            risk_level=common_pb2.RISK_LEVEL_MEDIUM,
            policy_constraints=scenario.CONSTRAINTS,
        )
    )
    story.tell.line(f"who can do {', '.join(capabilities)} on {scenario.DOMAIN}?")
    for candidate in found.candidates:
        story.tell.line(f"  {candidate.participant_id}  rank {candidate.rank.total:.3f}")
        for term in terms(candidate.rank):
            story.tell.line(f"      {term}")
    for excluded in found.excluded:
        story.tell.line(f"  not {excluded.participant_id}: {excluded.because}")
    return [candidate.participant_id for candidate in found.candidates]

"""Step 3 of section 13."""

from __future__ import annotations

from typing import Any

from examples.stewardship import scenario
from examples.stewardship.story import Story
from phoenix_dma.v1 import common_pb2, governance_pb2
from phoenix_dma.wire.conversions import message_to_dict, short, struct_of

TITLE = "Governance engine confirms customer-domain read permission."


async def play(story: Story) -> None:
    """Policy is asked whether the steward may read customer data for this task, and who may not."""
    verdict = await _ask(story, scenario.STEWARD, "customer_master")
    story.facts["read_revision"] = verdict.policy_revision
    said = "; ".join(reason.text for reason in verdict.reasons)
    story.tell.line(f"data.operate, data_read on {scenario.DOMAIN}: {said}")
    story.holds(
        verdict.effect == common_pb2.POLICY_EFFECT_ALLOW,
        f"{scenario.STEWARD} may read it"
        f" ({verdict.policy}, revision {verdict.policy_revision[:19]}…)",
    )
    other = await _ask(story, scenario.STEWARD, "supplier_master")
    story.holds(
        other.effect == common_pb2.POLICY_EFFECT_DENY,
        f"and nothing else: supplier_master is {short(common_pb2.PolicyEffect, other.effect)}",
    )
    story.tell.line("the steward asks again itself before it reads; that answer is in the audit")


async def _ask(story: Story, participant_id: str, domain: str) -> common_pb2.PolicyVerdict:
    """The question that assignment asks for an assignee, tried without effect."""
    task = message_to_dict(await story.task())
    assignee = message_to_dict(await story.api.get_participant(participant_id))
    question: dict[str, Any] = {
        "task": {name: task[name] for name in ("task_id", "data_domains", "policy_constraints")}
        | {"risk_level": task["risk_level"]},
        "assignee": {
            name: assignee[name]
            for name in ("id", "type", "owner", "status", "data_domains", "permissions")
        },
        "kind": "data_read",
        "name": "customer_records",
        "domain": domain,
        "approvals": [],
    }
    request = governance_pb2.TryPolicyRequest(point="data.operate", input=struct_of(question))
    answer = await story.api.ask(story.api.stubs.governance.TryPolicy, request)
    return answer.verdict

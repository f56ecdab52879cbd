"""Names that every process of the story agrees on, and how one tells the story what it does."""

from __future__ import annotations

import json
from typing import Any, Final

STEWARD: Final = "agent.customer-steward.001"
BACKUP: Final = "agent.customer-steward.002"
POLICY_AGENT: Final = "agent.merge-policy.001"
HUMAN: Final = "human.steward.jane"

STEWARD_OWNER: Final = "data-governance"
POLICY_OWNER: Final = "risk-office"
HUMAN_OWNER: Final = "business-stewardship"

TASK: Final = "task.customer-merge-review.8841"
DOMAIN: Final = "customer_master"
CONSTRAINTS: Final = ("human_approval_required_for_merge", "decision_rationale_required")
CAPABILITIES: Final = ("customer_validation", "duplicate_detection")
BATCH_SIZE: Final = 300
POLICY_AFTER: Final = 4
"""After so many batches the policy agent is asked about what was found so far."""
PROPOSED_AFTER: Final = 5
"""After so many batches a human is asked about what was found so far, and work goes on."""
KILLED_IN: Final = 6
"""In the middle of this batch the working steward is killed."""


def say(event: str, **facts: Any) -> None:
    """One line of JSON for whoever tells the story."""
    print(json.dumps({"event": event, **facts}), flush=True)

"""Reads a decision back from its audit event (the reverse of `verdict_document`)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from phoenix_runtime.core.verdict import (
    DecisionPoint,
    Effect,
    Obligation,
    Reason,
    Verdict,
    evidence_of,
)


def verdict_of(document: Mapping[str, Any]) -> Verdict:
    """The verdict in an event's ``policy_decision``; KeyError or ValueError where it is none."""
    return Verdict(
        effect=Effect(document["effect"]),
        decision_id=document["decision_id"],
        point=DecisionPoint(document["point"]),
        policy=document["policy"],
        policy_revision=document["policy_revision"],
        input_hash=document["input_hash"],
        evaluated_at=datetime.fromisoformat(document["evaluated_at"]),
        reasons=tuple(Reason(r["rule"], r["text"]) for r in document["reasons"]),
        remediation=tuple(document["remediation"]),
        obligations=tuple(_obligation(one) for one in document["obligations"]),
        policy_score=float(document["policy_score"]),
        approvers=tuple(document["approvers"]),
        trust=document.get("trust"),
        facts=dict(document["facts"]),
    )


def _obligation(document: Mapping[str, Any]) -> Obligation:
    """One obligation; events from before obligations said what meets them do not say it."""
    due = document["due"]
    met_by = evidence_of(due, document.get("met_by"))
    return Obligation(document["id"], document["text"], due, met_by, document.get("action", ""))

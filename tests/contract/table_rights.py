"""What may be done with each table at the newest revision, beside its tenant's own reads.

A revision that renames a table or a column renames it here; one that adds a table adds it here.
"""

from __future__ import annotations

from collections.abc import Mapping

Rights = Mapping[str, dict[str, str]]

APPEND_ONLY: Mapping[str, set[str]] = {
    "registry": {"generations"},
    "assignment": {"context_pointers", "contents"},
    "state": {"contents", "state_references"},
    "governance": {"ledger_events", "policy_activations", "policy_overlays"},
}
"""Rows that the application role may add and read, and neither change nor delete."""

DELIVERY: Rights = {
    "outbox": {"SELECT": "tenant event_id document created_at", "DELETE": "every column"},
    "deliveries": {
        "SELECT": "tenant key receiver claimed_until failures",
        "UPDATE": "claimed_until failures",
        "DELETE": "every column",
    },
}
REMEMBERED: Rights = {
    "idempotency": {
        "SELECT": "tenant principal rpc request_id created_at",
        "DELETE": "every column",
    },
}
DIRECTIVES: Rights = {
    "directive_outbox": {
        "SELECT": "tenant directive_id document created_at",
        "DELETE": "every column",
    },
}


def claims(columns: str) -> dict[str, str]:
    """The rights to see what is due, by these columns, and to claim it."""
    return {"SELECT": f"tenant {columns} claimed_until", "UPDATE": "claimed_until"}


WORKER: Mapping[str, Rights] = {
    "registry": {
        **DELIVERY,
        **REMEMBERED,
        "participants": {
            "SELECT": "tenant participant_id generation status status_reason liveness"
        },
        "directives": {
            "SELECT": "tenant directive_id created_at acknowledged_at",
            "DELETE": "every column",
        },
    },
    "assignment": {
        **DELIVERY,
        **REMEMBERED,
        **DIRECTIVES,
        "tasks": claims("task_id wake_at priority parked_target_id"),
        "handoffs": claims("handoff_id wake_at offered_target_id"),
        "retirements": claims("retirement_id wake_at"),
        "approvals": claims("approval_id next_poll_at"),
        "gates": {"SELECT": "tenant participant_id used"},
    },
    "state": DELIVERY,
    "governance": {
        **DELIVERY,
        **REMEMBERED,
        "approvals": claims("approval_id status expires_at"),
        "ledger_heads": {"SELECT": "tenant sequence"},
        "policy_heads": {"SELECT": "tenant version overlay_revision"},
        "trust_cursors": {"SELECT": "tenant sequence rules"},
    },
}
"""What the worker role may see and change of every tenant's rows, by privilege and columns."""

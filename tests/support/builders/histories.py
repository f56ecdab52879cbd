"""An honest history of one task, which tests of `validate` then break."""

from datetime import timedelta
from typing import Any

from phoenix_runtime.core.events import AuditEvent
from phoenix_runtime.core.validate import (
    Evidence,
    ObservedBinding,
    ObservedGate,
    ObservedHandoff,
    ObservedPointer,
    ObservedRetirement,
    ObservedTask,
)
from tests.support.builders.audit_events import NOON, audit_event

T = "task/t"
ALLOW = {"effect": "allow", "decision_id": "opa.dec.1"}


def task_event(kind: str, version: int, states: tuple[str, str], **fields: Any) -> AuditEvent:
    """An event of the task that moves it from one state to another."""
    return audit_event(
        "default",
        type=kind,
        aggregate=T,
        aggregate_version=version,
        task="t",
        previous_state=states[0],
        new_state=states[1],
        **fields,
    )


FRESH = {"standing_age_seconds": 0.1, "decision_age_seconds": 0.1}
BOUND = {
    "score": {"total": 0.7},
    "alternatives": [],
    "epoch": 1,
    "standing_revision": 1,
    "gate": {"used": 1, "capacity": 1},
    **FRESH,
}
MOVED = {
    "source": "a",
    "target": "b",
    "reason": "participant_failed",
    "received_hash": "sha256:1",
    "accepted_obligations": [],
    "source_epoch": 1,
    "target_epoch": 3,
    **FRESH,
}
CONTEXT = {
    "state_reference": "phoenix://state/t/1",
    "integrity_hash": "sha256:1",
    "version": 1,
    "base_version": 0,
    "size_bytes": 3,
    "epoch": 1,
}

EVENTS = [
    task_event("TASK_SUBMITTED", 1, ("", "pending"), policy_decision=ALLOW),
    task_event(
        "ASSIGNMENT_CREATED",
        2,
        ("pending", "assigned"),
        participant="a",
        policy_decision=ALLOW,
        detail=BOUND,
    ),
    task_event(
        "TASK_STARTED",
        3,
        ("assigned", "active"),
        participant="a",
        detail={"epoch": 1, "attempt": 1},
    ),
    task_event("CONTEXT_CHECKPOINTED", 4, ("active", "active"), participant="a", detail=CONTEXT),
    task_event(
        "HANDOFF_INITIATED",
        5,
        ("active", "active"),
        participant="a",
        detail={"source": "a", "reason": "participant_failed", "context_reference": "x"},
    ),
    task_event(
        "TASK_MIGRATING",
        6,
        ("active", "migrating"),
        participant="a",
        detail={"burnt_epoch": 1, "why": "gone"},
    ),
    task_event(
        "HANDOFF_COMPLETED",
        7,
        ("migrating", "active"),
        participant="b",
        policy_decision=ALLOW,
        detail=MOVED,
    ),
    audit_event(
        "default",
        type="RETIREMENT_STARTED",
        aggregate="retirement/r",
        aggregate_version=1,
        previous_state="",
        new_state="draining",
        policy_decision=ALLOW,
        detail={"mode": "immediate", "active_tasks": []},
    ),
]
LATER = NOON + timedelta(seconds=5)
HONEST = Evidence(
    events=EVENTS,
    tasks=[
        ObservedTask(
            "t",
            "active",
            7,
            3,
            "c",
            owner="b",
            owner_epoch=3,
            pointer_version=1,
            pointer_hash="sha256:1",
        )
    ],
    bindings=[
        ObservedBinding("t", 1, "a", "assign", NOON, LATER, "migrate"),
        ObservedBinding("t", 3, "b", "rebind", LATER),
    ],
    gates=[ObservedGate("a", 1, 0, "r"), ObservedGate("b", 1, 1)],
    handoffs=[
        ObservedHandoff(
            "h",
            "t",
            "a",
            1,
            "completed",
            source_gone=True,
            source_seated=False,
            target="b",
            target_epoch=3,
            received_hash="sha256:1",
        )
    ],
    retirements=[ObservedRetirement("r", "a", "draining", 1, LATER)],
    pointers=[ObservedPointer("t", 1, "sha256:1", "a", 1)],
)

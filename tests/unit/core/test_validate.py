"""`validate` finds nothing in an honest history, and each way of breaking it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from phoenix_runtime.core.chain import Head, extend
from phoenix_runtime.core.events import AuditEvent
from phoenix_runtime.core.validate import (
    Evidence,
    ObservedGate,
    ObservedParticipant,
    ObservedTask,
    validate,
)
from tests.support.builders.audit_events import audit_event
from tests.support.builders.histories import (
    BOUND,
    CONTEXT,
    EVENTS,
    HONEST,
    LATER,
    MOVED,
    task_event,
)

LINKS = extend(Head(), ["sha256:a", "sha256:b", "sha256:c"])
HEAD = Head(3, LINKS[-1].chain_hash)


def rules(evidence: Evidence) -> set[str]:
    return {finding.rule for finding in validate(evidence)}


def with_event(index: int, **changes: Any) -> Evidence:
    """The honest history with one event told otherwise, its leaf hash made anew."""
    fields = {name: getattr(EVENTS[index], name) for name in AuditEvent.__slots__}
    fields |= changes
    tenant = fields.pop("tenant")
    events = list(EVENTS)
    events[index] = audit_event(tenant, **{**fields, "leaf_hash": ""})
    return replace(HONEST, events=events)


def without(index: int) -> Evidence:
    return replace(HONEST, events=[*EVENTS[:index], *EVENTS[index + 1 :]])


def with_task(**changes: Any) -> Evidence:
    return replace(HONEST, tasks=[replace(HONEST.tasks[0], **changes)])


def with_handoff(**changes: Any) -> Evidence:
    return replace(HONEST, handoffs=[replace(HONEST.handoffs[0], **changes)])


def test_an_honest_history_has_no_findings() -> None:
    assert validate(HONEST) == ()
    assert validate(replace(HONEST, events=list(reversed(EVENTS)))) == ()
    assert validate(Evidence(events=())) == ()
    kept = replace(HONEST, links=LINKS, head=HEAD, contents={"sha256:1": "sha256:1"})
    assert validate(kept) == ()
    elsewhere = [replace(HONEST.pointers[0], by_reference=True)]
    assert validate(replace(kept, pointers=elsewhere, contents={})) == ()


def given_back(*, epoch: int) -> Evidence:
    """The handoff was aborted and its living source goes on, under ``epoch``, and checkpoints."""
    moved = task_event(
        "HANDOFF_ABORTED",
        7,
        ("migrating", "active"),
        participant="a",
        detail={"why": "asked", "epoch": 3},
    )
    second = {**CONTEXT, "version": 2, "base_version": 1, "epoch": epoch}
    written = task_event(
        "CONTEXT_CHECKPOINTED", 8, ("active", "active"), participant="a", detail=second
    )
    return Evidence(events=[*EVENTS[:6], moved, written])


def test_a_living_source_writes_under_its_new_epoch_after_an_abort() -> None:
    assert "I3" not in rules(given_back(epoch=3))
    assert "I3" in rules(given_back(epoch=1))


def lost(*, counted: dict[str, Any] | None = None, row: int = 1) -> Evidence:
    """`HONEST`, where the task's first owner was lost, and counted so."""
    detail = {"losses": 1, "max_losses": 3} if counted is None else counted
    submitted = replace(EVENTS[0], detail={"max_losses": 3})
    gone = replace(
        EVENTS[5],
        reason_code="participant_failed",
        detail={**EVENTS[5].detail, **detail},
    )
    events = [submitted, *EVENTS[1:5], gone, *EVENTS[6:]]
    return replace(HONEST, events=events, tasks=[replace(HONEST.tasks[0], losses=row)])


def test_a_counted_loss_is_honest() -> None:
    assert "I16" not in rules(lost())


def test_losses_from_before_they_were_counted_are_not_missed() -> None:
    assert "I16" not in rules(with_event(5, reason_code="participant_failed"))


def met(*row: str, by: str = "phoenix://state/t/1") -> Evidence:
    """`HONEST`, where one event met an obligation, and the task's row says ``row`` about it."""
    entry = {"id": "why", "met_by": "decision", "action": "", "evidence": by}
    event = replace(EVENTS[2], detail={**EVENTS[2].detail, "obligations_met": [entry]})
    tasks = [replace(HONEST.tasks[0], met=[row] if row else [])]
    return replace(HONEST, events=[*EVENTS[:2], event, *EVENTS[3:]], tasks=tasks)


def test_an_obligation_that_row_and_audit_say_was_met_is_honest() -> None:
    def about(evidence: Evidence) -> list[str]:
        return [one.text for one in validate(evidence) if "was met" in one.text]

    event, context = EVENTS[2].event_id, "phoenix://state/t/1"
    assert about(met("why", context, event)) == []
    assert about(met()) == [f"the audit alone says that why was met by {context} in {event}"]
    assert len(about(met("why", "approval.1", event))) == 2


BROKEN: dict[str, tuple[Callable[[], Evidence], str]] = {
    "an event is missing": (lambda: without(2), "I6"),
    "an event is there twice": (lambda: replace(HONEST, events=[*EVENTS, EVENTS[0]]), "I6"),
    "a transition has no event": (
        lambda: with_event(2, previous_state="pending"),
        "I6",
    ),
    "the row is elsewhere than the audit": (lambda: with_task(status="migrating"), "I6"),
    "the row has another version": (lambda: with_task(version=8), "I6"),
    "a row has no event": (
        lambda: replace(HONEST, tasks=[*HONEST.tasks, ObservedTask("u", "pending", 1, 0, "c")]),
        "I6",
    ),
    "events have no row": (
        lambda: replace(HONEST, tasks=[ObservedTask("u", "x", 1, 0, "c")]),
        "I6",
    ),
    "an event was changed afterwards": (
        lambda: replace(HONEST, events=[replace(EVENTS[0], actor="x"), *EVENTS[1:]]),
        "I7",
    ),
    "table 5 is not complete": (
        lambda: with_event(1, detail={k: v for k, v in BOUND.items() if k != "score"}),
        "Table 5",
    ),
    "a bind rests on a denial": (
        lambda: with_event(1, policy_decision={"effect": "deny"}),
        "I9",
    ),
    "a bind rests on no decision": (lambda: with_event(1, policy_decision={}), "I9"),
    "a zombie's checkpoint was accepted": (
        lambda: with_event(3, participant="b"),
        "I3",
    ),
    "a burnt epoch was accepted": (lambda: with_event(2, detail={"epoch": 0, "attempt": 1}), "I3"),
    "an epoch is used twice": (
        lambda: with_event(6, detail={**MOVED, "target_epoch": 1}),
        "I2",
    ),
    "a checkpoint overwrote another": (
        lambda: with_event(3, detail={**CONTEXT, "base_version": 3}),
        "I4",
    ),
    "a checkpoint is lost": (lambda: replace(HONEST, pointers=[]), "I4"),
    "the pointer went back": (lambda: with_task(pointer_hash="sha256:0"), "I4"),
    "two own the task": (
        lambda: replace(
            HONEST, bindings=[replace(HONEST.bindings[0], ended_at=None), HONEST.bindings[1]]
        ),
        "I2",
    ),
    "the loss of an owner burnt nothing": (
        lambda: replace(with_task(owner="", owner_epoch=0), bindings=HONEST.bindings[1:]),
        "I2",
    ),
    "a decision was stale": (
        lambda: with_event(1, detail={**BOUND, "decision_age_seconds": 5.1}),
        "I5",
    ),
    "a seat was taken that was not there": (
        lambda: with_event(1, detail={**BOUND, "gate": {"used": 2, "capacity": 1}}),
        "I8",
    ),
    "a gate counts wrong": (
        lambda: replace(HONEST, gates=[HONEST.gates[0], ObservedGate("b", 1, 2)]),
        "I8",
    ),
    "a handoff took no proof": (lambda: with_handoff(received_hash=""), "I5"),
    "a handoff went to its source": (lambda: with_handoff(target="a"), "I5"),
    "two handoffs are open": (
        lambda: replace(
            HONEST,
            handoffs=[
                replace(HONEST.handoffs[0], handoff_id=name, status="initiated")
                for name in ("h1", "h2")
            ],
        ),
        "I5",
    ),
    "a task migrates without a handoff": (lambda: with_task(status="migrating"), "I5"),
    "a gone source keeps its seat": (lambda: with_handoff(source_seated=True), "I5"),
    "somebody was bound after the gate closed": (
        lambda: replace(
            HONEST,
            bindings=[
                replace(HONEST.bindings[0], bound_at=LATER + timedelta(seconds=1)),
                HONEST.bindings[1],
            ],
        ),
        "I8",
    ),
    "a task was given back after the gate closed": (
        lambda: replace(
            HONEST,
            bindings=[
                replace(
                    HONEST.bindings[0],
                    bound_at=LATER + timedelta(seconds=1),
                    gained_by="abort_handoff",
                ),
                HONEST.bindings[1],
            ],
        ),
        "I8",
    ),
    "a retirement left the gate unmarked": (
        lambda: replace(HONEST, gates=[ObservedGate("a", 1, 0), HONEST.gates[1]]),
        "I8",
    ),
    "a participant is retired without a retirement": (
        lambda: replace(HONEST, participants=[ObservedParticipant("z", "retired", 1)]),
        "I8",
    ),
    "a content is lost": (lambda: replace(HONEST, contents={}), "I4"),
    "a content was changed": (
        lambda: replace(HONEST, contents={"sha256:1": "sha256:2"}),
        "I4",
    ),
    "an event was cut out of the ledger": (
        lambda: replace(HONEST, links=[LINKS[0], LINKS[2]], head=HEAD),
        "I7",
    ),
    "the ledger's tail was cut off": (
        lambda: replace(HONEST, links=LINKS[:2], head=HEAD),
        "I7",
    ),
    "an event of the ledger was exchanged": (
        lambda: replace(
            HONEST, links=[LINKS[0], replace(LINKS[1], leaf_hash="x"), LINKS[2]], head=HEAD
        ),
        "I7",
    ),
    "a lost owner is not counted": (lambda: lost(counted={}), "I16"),
    "a loss is counted twice": (lambda: lost(counted={"losses": 2, "max_losses": 3}), "I16"),
    "the row forgot a loss": (lambda: lost(row=0), "I16"),
    "a task outlives its last loss": (
        lambda: lost(counted={"losses": 1, "max_losses": 1}),
        "I16",
    ),
    "the audit alone says that an obligation was met": (met, "I6"),
    "the row alone says what met an obligation": (
        lambda: with_task(met=[["why", "approval.1", EVENTS[2].event_id]]),
        "I6",
    ),
    "a task waits for nothing": (lambda: with_task(status="awaiting_approval"), "I13"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_it_finds_that(how: str) -> None:
    broken, rule = BROKEN[how]
    assert rule in rules(broken()), how

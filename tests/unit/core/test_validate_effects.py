"""I17 in `validate`: an effect is begun once, or again with leave, and never once it was done."""

from dataclasses import replace
from typing import Any

import pytest

from phoenix_runtime.core.events import AuditEvent
from phoenix_runtime.core.validate import Evidence, ObservedEffect
from phoenix_runtime.core.validate.effects import effect_findings
from tests.support.builders.histories import ALLOW, task_event

KEY = "authorization.1"
ROW = ObservedEffect(KEY, "t", "begun", 1, 1)


def begun(number: int, *, epoch: int = 1, **detail: Any) -> AuditEvent:
    said = {
        "kind": "tool_invocation",
        "name": "charge",
        "domain": "",
        "subject_hash": "sha256:1",
        "asked_hash": "sha256:1",
        "authorization_id": KEY,
        "begun": number,
        "idempotent": False,
        "epoch": epoch,
    }
    return task_event(
        "EFFECT_BEGUN",
        1,
        ("active", "active"),
        participant="a",
        policy_decision=ALLOW,
        detail={**said, **detail},
    )


def recorded(status: str) -> AuditEvent:
    detail = {"authorization_id": KEY, "status": status, "was": "begun", "epoch": 1}
    return task_event("EFFECT_RECORDED", 1, ("active", "active"), participant="a", detail=detail)


def history(*events: AuditEvent, **row: Any) -> Evidence:
    told = [replace(event, aggregate_version=n) for n, event in enumerate(events, 1)]
    return Evidence(events=told, effects=[replace(ROW, **row)])


def texts(evidence: Evidence) -> list[str]:
    found = list(effect_findings(evidence))
    assert {one.rule for one in found} <= {"I17"}
    return [one.text for one in found]


@pytest.mark.parametrize(
    "evidence",
    [
        history(begun(1)),
        history(begun(1), recorded("done"), status="done"),
        history(begun(1), recorded("not_done"), begun(2), begun=2),
        history(begun(1), begun(2, epoch=3, asked_hash="sha256:2"), begun=2),
        history(begun(1, idempotent=True), begun(2, epoch=3, idempotent=True), begun=2),
        history(begun(1, kind="data_read"), begun(2, epoch=3, kind="data_read"), begun=2),
        history(begun(1), recorded("unknown"), recorded("done"), status="done"),
        Evidence(events=()),
    ],
)
def test_an_honest_history_has_no_findings(evidence: Evidence) -> None:
    assert texts(evidence) == []


@pytest.mark.parametrize(
    ("evidence", "text"),
    [
        (history(begun(1), recorded("done"), begun(2), begun=2), "after it was done"),
        (history(begun(1), recorded("done"), recorded("not_done"), status="not_done"), "another"),
        (history(begun(1), begun(2, asked_hash="sha256:2"), begun=2), "twice under epoch 1"),
        (history(begun(1), begun(2, epoch=3), begun=2), "repeated by the leave"),
        (history(begun(1), recorded("unknown"), begun(2), begun=2), "repeated by the leave"),
        (
            history(begun(1), recorded("not_done"), begun(2, kind="data_read"), begun=2),
            "begun as tool_invocation, and again as data_read",
        ),
        (history(begun(2), begun=1), "begun 1 times; the event counts 2"),
        (history(recorded("done"), status="done", begun=0), "never begun"),
        (history(begun(1), status="done"), "its row is done"),
        (history(begun(1), begun=2), "begun 2 times"),
        (Evidence(events=(), effects=[ROW]), "a row and no event"),
        (replace(history(begun(1)), effects=()), "an event and no row"),
    ],
)
def test_each_way_of_breaking_it_is_found(evidence: Evidence, text: str) -> None:
    assert any(text in one for one in texts(evidence)), texts(evidence)

"""A declaration is parsed into values that cannot be wrong, or refused with every violation."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assignment_svc.domain.declaration import (
    LARGEST_DOCUMENT,
    TaskDeclaration,
    document,
    submission,
)
from assignment_svc.domain.task import START_TIMEOUT
from phoenix_runtime.core.errors import FieldInvalid, TooLarge
from phoenix_runtime.core.json import EMPTY_OBJECT, content_hash
from phoenix_runtime.core.standing import RiskLevel

PAPER = TaskDeclaration(
    task_id="task.customer-merge-review.8841",
    objective="Validate duplicate customer candidates and recommend merge action",
    required_capabilities=("duplicate_detection", "customer_validation"),
    data_domains=("customer_master",),
    risk_level="medium",
    context_ref="phoenix://context/task.customer-merge-review.8841",
    policy_constraints=("human_approval_required_for_merge",),
)


def parse(declared: TaskDeclaration) -> object:
    return submission(declared, lambda prefix: f"{prefix}.made")


def test_the_papers_task_is_taken_as_printed() -> None:
    taken = submission(PAPER, lambda prefix: f"{prefix}.made")
    assert taken.spec.task_id == PAPER.task_id
    assert taken.spec.risk_level is RiskLevel.MEDIUM
    assert taken.spec.start_timeout == START_TIMEOUT
    assert taken.spec.max_attempts == 3
    assert taken.spec.max_losses == 3
    assert taken.spec.input_hash == content_hash(EMPTY_OBJECT)


def test_an_id_is_made_where_none_is_given() -> None:
    taken = submission(replace(PAPER, task_id="", context_ref=""), lambda p: f"{p}.made")
    assert taken.spec.task_id == "task.made"


@pytest.mark.parametrize(("given", "taken"), [(None, 3), (0, 0), (1, 1), (100, 100)])
def test_losses_are_limited_to_three_unless_the_task_says_otherwise(
    given: int | None, taken: int
) -> None:
    assert submission(replace(PAPER, max_losses=given), str).spec.max_losses == taken


@pytest.mark.parametrize("given", [-1, 101])
def test_a_limit_of_losses_that_is_none_is_refused(given: int) -> None:
    with pytest.raises(FieldInvalid, match=r"task\.max_losses"):
        parse(replace(PAPER, max_losses=given))


def test_every_violation_is_named_at_once() -> None:
    wrong = TaskDeclaration(
        task_id="Über/..",
        objective="",
        required_capabilities=("ok", "Not ok", "ok"),
        data_domains=("x" * 65,),
        risk_level="enormous",
        context_ref="https://elsewhere.example/x",
        policy_constraints=tuple(f"c{n}" for n in range(65)),
        priority=101,
        start_timeout=timedelta(days=-1),
        max_attempts=101,
        max_losses=-1,
        parent_epoch=-1,
        intent="sometime",
        task_type="A B",
        input={"n": float("nan")},
    )
    with pytest.raises(FieldInvalid) as refusal:
        parse(wrong)
    named = {violation.field for violation in refusal.value.violations}
    assert named == {
        "task.task_id",
        "task.objective",
        "task.required_capabilities",
        "task.required_capabilities[1]",
        "task.data_domains[0]",
        "task.risk_level",
        "task.context_ref",
        "task.policy_constraints",
        "task.priority",
        "task.start_timeout",
        "task.max_attempts",
        "task.max_losses",
        "task.parent_task_id",
        "task.parent_epoch",
        "task.assignment_intent",
        "task.task_type",
        "task.input",
    }


@pytest.mark.parametrize("objective", ["a\x00b", "a\u202eb", "\ud800", "x" * 2001])
def test_an_objective_that_misleads_or_cannot_be_stored_is_refused(objective: str) -> None:
    with pytest.raises(FieldInvalid, match=r"task\.objective"):
        parse(replace(PAPER, objective=objective))


def test_an_input_is_at_most_a_mebibyte_in_its_canonical_form() -> None:
    fits = {"text": "x" * (LARGEST_DOCUMENT - len('{"text":""}'))}
    assert submission(replace(PAPER, input=fits), str).input.content
    with pytest.raises(TooLarge):
        parse(replace(PAPER, input={**fits, "more": 1}))


def test_degraded_participants_are_permitted_by_the_flag_as_by_the_constraint() -> None:
    by_flag = submission(replace(PAPER, degraded_allowed=True), str).spec
    constraints = (*PAPER.policy_constraints, "degraded_allowed")
    by_name = submission(replace(PAPER, policy_constraints=constraints), str).spec
    assert by_flag == by_name


@given(st.text(max_size=140))
def test_an_id_is_taken_only_where_it_is_safe_everywhere(task_id: str) -> None:
    try:
        taken = submission(replace(PAPER, task_id=task_id, context_ref=""), lambda p: "task.made")
    except FieldInvalid:
        return
    allowed = set("abcdefghijklmnopqrstuvwxyz0123456789._-")
    assert set(taken.spec.task_id) <= allowed


def test_a_result_is_hashed_by_its_canonical_form() -> None:
    assert document("result", {"b": 1, "a": 2.0}) == document("result", {"a": 2, "b": 1.0})
    with pytest.raises(FieldInvalid, match="result"):
        document("result", {"n": 2**60 + 1})

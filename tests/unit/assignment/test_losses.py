"""Which lost owners count, when the next one is the last, and what is said of them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from assignment_svc.domain.losses import (
    MOST_LOSSES,
    is_loss,
    loss_detail,
    losses_detail,
    losses_sentence,
    next_loss_is_last,
    with_loss,
)
from assignment_svc.domain.states import TaskStatus
from assignment_svc.domain.task import Task
from phoenix_runtime.core.events import ReasonCode
from tests.support.builders.membership import NOW, binding, spec, task

LATER = NOW + timedelta(seconds=5)
FAILED = ReasonCode.PARTICIPANT_FAILED
COUNTED = {FAILED, ReasonCode.NOT_RESUMED, ReasonCode.PARTICIPANT_RETURNED}


def held(status: TaskStatus = TaskStatus.ACTIVE, *, epoch: int = 1, who: str = "agent.a") -> Task:
    owner = binding(epoch, participant_id=who)
    return task(status=status, binding=owner, epoch=epoch, attempt=1)


def lost_by(*names: str, limit: int = 3) -> Task:
    found = replace(task(), spec=spec(max_losses=limit))
    for epoch, name in enumerate(names, 1):
        owned = replace(held(epoch=epoch, who=name), lost=found.lost, losses=found.losses)
        found = replace(with_loss(owned, FAILED, LATER), spec=found.spec)
    return found


@pytest.mark.parametrize("reason", ReasonCode)
def test_only_an_owner_that_died_fell_silent_or_came_back_anew_counts(reason: ReasonCode) -> None:
    assert is_loss(held(), reason) == (reason in COUNTED)


@pytest.mark.parametrize("status", TaskStatus)
def test_only_a_task_that_was_being_worked_on_counts(status: TaskStatus) -> None:
    assert is_loss(held(status), FAILED) == (status is TaskStatus.ACTIVE)


def test_a_task_without_an_owner_loses_nobody() -> None:
    unowned = task(status=TaskStatus.ACTIVE)
    assert not is_loss(unowned, FAILED)
    with pytest.raises(ValueError, match=r"task\.1 has no owner"):
        with_loss(unowned, FAILED, LATER)


@pytest.mark.parametrize(
    ("limit", "taken", "last"),
    [(1, 0, True), (3, 1, False), (3, 2, True), (3, 5, True), (0, 0, False), (0, 50, False)],
)
def test_the_next_loss_is_the_last_one_at_the_limit(limit: int, taken: int, *, last: bool) -> None:
    one = replace(task(spec=spec(max_losses=limit)), losses=taken)
    assert next_loss_is_last(one) == last


def test_the_end_names_whom_it_took_each_once_and_every_loss() -> None:
    ended = lost_by("agent.a", "agent.b", "agent.a")
    detail = losses_detail(ended)
    assert detail["lost_owners"] == ["agent.a", "agent.b"]
    assert (detail["losses"], detail["max_losses"]) == (3, 3)
    assert detail["lost"][1] == {
        "participant": "agent.b",
        "epoch": 2,
        "reason": "participant_failed",
        "at": LATER.isoformat(),
    }
    sentence = "It lost 3 owners of at most 3 while it was active: agent.a, agent.b."
    assert losses_sentence(ended) == sentence
    assert losses_sentence(lost_by("agent.a", limit=0)).startswith("It lost 1 owner while")
    assert losses_sentence(task()) == ""


def test_an_event_counts_only_the_loss_that_it_takes_away() -> None:
    one = with_loss(held(epoch=7), FAILED, LATER)
    assert loss_detail(one, 7) == {"losses": 1, "max_losses": 3}
    assert loss_detail(one, 8) == {}
    assert loss_detail(held(epoch=7), 7) == {}


def test_without_limit_the_newest_losses_are_kept_and_all_are_counted() -> None:
    one = lost_by(*(f"agent.{n}" for n in range(MOST_LOSSES + 5)), limit=0)
    assert (one.losses, len(one.lost)) == (MOST_LOSSES + 5, MOST_LOSSES)
    assert one.lost_owners[-1] == f"agent.{MOST_LOSSES + 4}"

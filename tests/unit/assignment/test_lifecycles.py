"""The tables: every state is reachable, only the named ends are terminal, every state can end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assignment_svc.domain.lifecycle import HANDOFF, PARKED_FOR, RETIREMENT, TASK, task_step
from assignment_svc.domain.states import Actor, ParkedAction, TaskStatus
from phoenix_runtime.core.errors import IllegalTransition
from phoenix_runtime.core.lifecycle import Lifecycle

TABLES = {table.kind: table for table in (TASK, HANDOFF, RETIREMENT)}


def states(table: Lifecycle) -> set:
    return {s for t in table.transitions for s in {*t.sources, t.target} if s is not None}


def reachable(table: Lifecycle, start: object) -> set:
    found = {start}
    while True:
        more = {t.target for t in table.transitions if t.target and t.sources & found} - found
        if not more:
            return found - {None}
        found |= more


@pytest.mark.parametrize("kind", TABLES)
def test_every_state_is_reachable_from_nothing(kind: str) -> None:
    table = TABLES[kind]
    assert reachable(table, None) == states(table)


@pytest.mark.parametrize("kind", TABLES)
def test_only_the_named_ends_are_terminal(kind: str) -> None:
    table = TABLES[kind]
    assert {state for state in states(table) if not table.allowed(state)} == table.ends


@pytest.mark.parametrize("kind", TABLES)
def test_every_state_can_end(kind: str) -> None:
    table = TABLES[kind]
    for state in states(table):
        assert reachable(table, state) & table.ends, state


@pytest.mark.parametrize("kind", TABLES)
def test_every_verb_names_an_actor_and_no_step_is_ambiguous(kind: str) -> None:
    table = TABLES[kind]
    steps = [(t.verb, source) for t in table.transitions for source in t.sources]
    assert len(steps) == len(set(steps))
    assert all(t.actors for t in table.transitions)


@given(
    status=st.sampled_from(TaskStatus),
    verb=st.sampled_from(sorted({t.verb for t in TASK.transitions})),
    actor=st.sampled_from(Actor),
)
def test_a_step_is_in_the_table_or_refused_with_what_is_allowed(
    status: TaskStatus, verb: str, actor: Actor
) -> None:
    parked = ParkedAction.ASSIGN if status is TaskStatus.AWAITING_APPROVAL else None
    rows = [t for t in TASK.transitions if t.verb == verb and status in t.sources]
    mine = [row for row in rows if actor in row.actors]
    waits = status is TaskStatus.AWAITING_APPROVAL and PARKED_FOR.get(verb, parked) is not parked
    if mine and not waits:
        assert task_step(status, parked, verb, actor) in {row.target or status for row in mine}
        return
    with pytest.raises(IllegalTransition) as refusal:
        task_step(status, parked, verb, actor)
    assert refusal.value.facts["from"] == status.value
    assert verb not in refusal.value.facts["allowed"].split(", ")


def test_what_a_task_is_parked_for_decides_what_may_happen() -> None:
    parked = TaskStatus.AWAITING_APPROVAL
    engine = Actor.ENGINE
    assert task_step(parked, ParkedAction.ASSIGN, "assign", engine) is TaskStatus.ASSIGNED
    assert task_step(parked, ParkedAction.COMPLETE, "succeed", engine) is TaskStatus.SUCCEEDED
    for wrong, verb in ((ParkedAction.COMPLETE, "assign"), (ParkedAction.ASSIGN, "succeed")):
        with pytest.raises(IllegalTransition):
            task_step(parked, wrong, verb, engine)


def test_nobody_but_its_assignee_starts_a_task() -> None:
    with pytest.raises(IllegalTransition):
        task_step(TaskStatus.ASSIGNED, None, "start", Actor.ENGINE)

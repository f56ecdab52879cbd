"""Rows of a task are found by whoever reads it, and are not looked for where it has none."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from assignment_svc.domain.approval import Approval
from assignment_svc.domain.handoff import Handoff
from assignment_svc.domain.states import ApprovalState
from assignment_svc.domain.task import Exclusion
from assignment_svc.store.unit import AssignmentUnit, AssignmentUnits
from phoenix_runtime.chassis.data.connection import Connection
from phoenix_runtime.core.clock import ManualClock
from tests.integration.assignment.store.test_store import EMPTY, binding_of, task_of, units
from tests.support.builders.calls import call_of

__all__ = ["units"]


async def add_approval(unit: AssignmentUnit, clock: ManualClock) -> None:
    pending = ApprovalState.PENDING
    await unit.save_approval(
        Approval("approval.1", "task.one", "merge", "sha256:00", pending, clock.now())
    )


async def add_child(unit: AssignmentUnit, clock: ManualClock) -> None:
    child = task_of(clock, "task.child")
    await unit.add_task(replace(child, spec=replace(child.spec, parent_task_id="task.one")), EMPTY)


async def add_exclusion(unit: AssignmentUnit, clock: ManualClock) -> None:
    await unit.exclude(Exclusion("task.one", "agent.a", "declined"))


async def add_handoff(unit: AssignmentUnit, clock: ManualClock) -> None:
    await unit.add_handoff(
        Handoff(
            handoff_id="handoff.1",
            task_id="task.one",
            correlation_id="c",
            source_binding=binding_of(clock),
            reason="requested",
            requested_by="ann",
            created_at=clock.now(),
            updated_at=clock.now(),
        )
    )


async def found(unit: AssignmentUnit) -> list[int]:
    """How many rows of each kind the task has."""
    return [
        len(await unit.approvals_of("task.one")),
        len(await unit.open_children("task.one")),
        len(await unit.exclusions("task.one")),
        len(await unit.open_handoffs(["task.one"])),
    ]


KINDS = [add_approval, add_child, add_exclusion, add_handoff]


@pytest.mark.parametrize("kind", range(len(KINDS)))
async def test_what_a_task_has_is_found_and_nothing_else_is_looked_for(
    units: AssignmentUnits,
    clock: ManualClock,
    tenant: str,
    monkeypatch: pytest.MonkeyPatch,
    kind: int,
) -> None:
    call = call_of("operator", tenant=tenant)
    asked: Counter[str] = Counter()
    fetch = Connection.fetch

    async def counted(self: Connection, statement: Any, parameters: Any = None) -> Sequence[Any]:
        asked["statements"] += 1
        return await fetch(self, statement, parameters)

    async with units(call) as unit:
        await unit.add_task(task_of(clock), EMPTY)
    monkeypatch.setattr(Connection, "fetch", counted)
    async with units(call) as unit:
        await unit.lock_task("task.one")
        assert await found(unit) == [0, 0, 0, 0]
        assert len(await unit.lock_family("task.one")) == 1
        assert asked["statements"] == 0
        await KINDS[kind](unit, clock)
        assert (await found(unit))[kind] == 1, "in the unit that adds it"
    expected = [int(number == kind) for number in range(len(KINDS))]
    for opened in (units(call), units.reading(call)):
        asked.clear()
        async with opened as unit:
            await unit.find_task("task.one")
            assert await found(unit) == expected
            assert asked["statements"] == 1
    async with units(call) as unit:
        await unit.save_task(replace(await unit.lock_task("task.one"), reason="changed"))
    async with units.reading(call) as unit:
        assert await found(unit) == expected, "whoever has not read the task looks for everything"
        await unit.find_task("task.one")
        assert await found(unit) == expected, "a write of the task forgets nothing"

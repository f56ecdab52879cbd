"""What the use cases need from outside, as they see it. Store and adapters implement it.

Lock order of every unit: tasks (a parent before its children, else by id), then gates by id. A
task's lock covers its handoff. Nothing is asked from a peer while a unit is open.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeAlias

from assignment_svc.domain.actions.rows import Approvals, Effects
from assignment_svc.domain.approval import ApprovalAnswer, ApprovalQuestion
from assignment_svc.domain.discovery import Discovery, Requirement
from assignment_svc.domain.retirement import Retirement
from assignment_svc.domain.rows import (
    Bindings,
    ContextPointers,
    Exclusions,
    Gates,
    Handoffs,
    Queue,
    Retirements,
    Tasks,
)
from phoenix_runtime.core import ports
from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.ports import DirectiveJournal
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.standing import Standing
from phoenix_runtime.core.verdict import DecisionPoint, Verdict


class Unit(
    DirectiveJournal,
    Tasks,
    Bindings,
    ContextPointers,
    Exclusions,
    Gates,
    Handoffs,
    Queue,
    Retirements,
    Approvals,
    Effects,
    Protocol,
):
    """One transaction of assignment: all of it is committed, or nothing."""


Units: TypeAlias = ports.Units[Unit]
"""Opens units."""


class Registry(Protocol):
    """registry_svc as assignment sees it; each call passes the peer's refusals through."""

    async def discover(self, call: Call, requirement: Requirement) -> Discovery:
        """Everybody who is eligible, and who came near and why not (Algorithm 2)."""
        ...

    async def standings(
        self, call: Call, participant_ids: Collection[str]
    ) -> Mapping[str, Standing]:
        """Current standings; unknown ids are absent."""
        ...

    async def begin_retirement(self, call: Call, retirement: Retirement) -> Standing:
        """Have the registry show RETIRING; again is harmless."""
        ...

    async def finish_retirement(self, call: Call, retirement: Retirement) -> None:
        """Have the registry show RETIRED, for ever, with the record; again is harmless."""
        ...


class TaskPolicy(ports.Policy, Protocol):
    """The governance engine as assignment sees it."""

    async def evaluate_without(
        self, call: Call, point: DecisionPoint, policy_input: JsonObject, left_out: str
    ) -> Verdict | None:
        """The verdict on an input without a part that costs a call; None where it is needed.

        ``left_out`` names the part (`core.policy_inputs.points.MAY_BE_LEFT_OUT`).
        """
        ...


class ApprovalService(Protocol):
    """The approvals of governance_svc."""

    async def request(self, call: Call, question: ApprovalQuestion) -> ApprovalAnswer:
        """Ask a human; the same subject asked twice is one question."""
        ...

    async def read(self, call: Call, approval_id: str) -> ApprovalAnswer:
        """What has been decided; raises `NotFound`."""
        ...

    async def read_all(
        self, call: Call, approval_ids: Collection[str]
    ) -> Mapping[str, ApprovalAnswer]:
        """What has been decided about each of these that governance knows, in one call."""
        ...

    async def cancel(self, call: Call, approval_id: str, reason: str) -> None:
        """Withdraw a question whose subject is gone; one that is decided stays as it is."""
        ...


class Claims(Protocol):
    """Claims of due rows across tenants, by the worker role. A claim is a column, not a lock."""

    async def due_tasks(self, now: datetime, *, limit: int) -> Sequence[tuple[str, str]]:
        """Claim tasks whose time has come: (tenant, task id), by priority."""
        ...

    async def due_handoffs(self, now: datetime, *, limit: int) -> Sequence[tuple[str, str]]:
        """Claim handoffs whose time has come: (tenant, handoff id)."""
        ...

    async def due_retirements(self, now: datetime, *, limit: int) -> Sequence[tuple[str, str]]:
        """Claim retirements whose time has come: (tenant, retirement id)."""
        ...

    async def due_approvals(self, now: datetime, *, limit: int) -> Sequence[tuple[str, str]]:
        """Claim approvals to be read or cancelled: (tenant, approval id)."""
        ...

    async def next_due(self, now: datetime) -> Mapping[str, datetime]:
        """When the earliest unclaimed row is due, by kind: tasks, handoffs, retirements, approvals.

        A kind of which no row will be due is missing.
        """
        ...

    async def busy_tenants(self) -> Sequence[str]:
        """Tenants with a gate that the reconcile loop compares: see `Gates.busy_gates`."""
        ...

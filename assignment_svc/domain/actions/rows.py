"""Declares the repositories of what a task asks leave for, and of what it does outside.

The lock of the task covers them all; `ports.Unit` has them beside those of `rows`.
"""

from typing import Protocol

from assignment_svc.domain.actions.effect import Effect, EffectFilter
from assignment_svc.domain.approval import Approval, Authorization
from assignment_svc.domain.task import Task
from phoenix_runtime.core.pages import Page, PageRequest


class Approvals(Protocol):
    """What humans were asked, and what their yes was used for."""

    async def save_approval(self, approval: Approval) -> None:
        """Write or replace one question and its answer."""
        ...

    async def find_approval(self, approval_id: str) -> Approval | None:
        """The question with this id; None where there is none."""
        ...

    async def approvals_of(self, task_id: str) -> tuple[Approval, ...]:
        """Every question about a task, oldest first."""
        ...

    async def find_authorization(
        self, task_id: str, action: str, subject_hash: str
    ) -> Authorization | None:
        """The authorization of this action and content; None where there is none."""
        ...

    async def save_authorization(self, authorization: Authorization) -> None:
        """Write an authorization, unique by (task, action, subject_hash), under the task's lock."""
        ...

    async def authorizations_of(self, task_id: str) -> tuple[Authorization, ...]:
        """Every authorization of a task, oldest first."""
        ...


class Effects(Protocol):
    """Effects outside the runtime; the lock of their task covers them."""

    async def save_effect(self, effect: Effect) -> None:
        """Write or replace an effect."""
        ...

    async def find_effect(self, authorization_id: str) -> Effect | None:
        """The effect as recorded; None where there is none."""
        ...

    async def unknown_effects(self, task: Task) -> tuple[Effect, ...]:
        """Effects of the task whose outcome nobody knows by now, those begun last first."""
        ...

    async def list_effects(self, wanted: EffectFilter, page: PageRequest) -> Page[Effect]:
        """Effects as they are by now, those begun last first."""
        ...

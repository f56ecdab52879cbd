"""Declares the repositories of a unit, by aggregate; `ports.Unit` is all of them together.

Lock order of every unit: tasks (a parent before its children, else by id), then gates by id, then
retirements. A task's lock covers its handoff.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from assignment_svc.domain.context import ContextPointer
from assignment_svc.domain.declaration import Document
from assignment_svc.domain.gate import Gate
from assignment_svc.domain.handoff import Handoff, HandoffFilter, OfferRecord
from assignment_svc.domain.retirement import Retirement, RetirementFilter
from assignment_svc.domain.task import BindingRecord, Exclusion, Task, TaskFilter
from phoenix_runtime.core.errors import Unavailable
from phoenix_runtime.core.pages import Page, PageRequest
from phoenix_runtime.core.standing import Standing
from phoenix_runtime.core.verdict import Grants


class IdTaken(Unavailable):
    """Somebody else submitted a task of the id at the same moment; this unit was rolled back."""


class Tasks(Protocol):
    """Tasks, and their inputs and results under their hash."""

    async def add_task(self, task: Task, content: Document) -> None:
        """Insert a task and its input; the unit ends with `IdTaken` where the id has a row."""
        ...

    async def find_task(self, task_id: str) -> Task | None:
        """The task as last committed, unlocked."""
        ...

    async def lock_task(self, task_id: str) -> Task:
        """The task under its row lock; raises `NotFound`."""
        ...

    async def lock_free_tasks(self, task_ids: Collection[str]) -> dict[str, Task]:
        """Those of the tasks that nobody has locked, under their row locks, by id.

        It waits for no lock: no task of many waits for what is done with another one.
        """
        ...

    async def lock_family(self, task_id: str) -> tuple[Task, ...]:
        """The task and its open descendants that end with it, parents first, all locked.

        Raises `NotFound`.
        """
        ...

    async def save_task(self, task: Task) -> None:
        """Write back a locked task."""
        ...

    async def open_children(self, task_id: str) -> tuple[str, ...]:
        """Ids of the children that have not ended."""
        ...

    async def list_tasks(self, wanted: TaskFilter, page: PageRequest) -> Page[Task]:
        """Tasks, newest first."""
        ...

    async def held_by(self, participant_id: str) -> tuple[str, ...]:
        """Ids of tasks that the participant holds, or an assignment to it is parked for."""
        ...

    async def tasks_around(self, participant_ids: Collection[str]) -> tuple[Task, ...]:
        """The tasks that these hold, or that a question, an offer or a handoff of theirs is about.

        As last committed, unlocked, by id.
        """
        ...

    async def add_content(self, content: Document) -> None:
        """Store an input or a result under its hash; again is harmless."""
        ...

    async def content(self, content_hash: str) -> bytes:
        """The canonical bytes behind a hash; raises `NotFound`."""
        ...


class Bindings(Protocol):
    """Every acquisition of every task."""

    async def add_binding(self, record: BindingRecord) -> None:
        """Write an acquisition."""
        ...

    async def end_binding(self, task_id: str, epoch: int, *, at: datetime, by: str) -> None:
        """Write how an acquisition ended; ``by`` is the verb that burnt its epoch."""
        ...

    async def bindings_of(self, task_id: str) -> tuple[BindingRecord, ...]:
        """Every acquisition of a task, oldest first."""
        ...


class ContextPointers(Protocol):
    """The pointer of every recorded checkpoint."""

    async def add_pointer(self, pointer: ContextPointer) -> None:
        """Write a checkpoint's pointer."""
        ...

    async def find_pointer(self, task_id: str, version: int) -> ContextPointer | None:
        """One recorded pointer."""
        ...

    async def list_pointers(self, task_id: str, page: PageRequest) -> Page[ContextPointer]:
        """The pointers of a task, newest first."""
        ...


class Exclusions(Protocol):
    """Who is not asked for a task, and what was denied last."""

    async def exclusions(self, task_id: str) -> tuple[Exclusion, ...]:
        """Everybody who is, or was, not asked for a task."""
        ...

    async def exclude(self, entry: Exclusion) -> None:
        """Write or replace one entry (by task, participant and scope)."""
        ...

    async def denial_changed(
        self, task_id: str, participant_id: str, *, point: str, reasons_hash: str
    ) -> bool:
        """Remember a denial; True where it is the first or differs from the last one."""
        ...


class Gates(Protocol):
    """Gates."""

    async def lock_gates(self, participant_ids: Collection[str]) -> dict[str, Gate]:
        """The gates under their row locks, taken by id; missing ones are made (closed)."""
        ...

    async def save_gates(self, gates: Collection[Gate]) -> None:
        """Write back locked gates."""
        ...

    async def bring_up_gates(self, standings: Collection[Standing]) -> None:
        """Apply standings that are newer than what their gates reflect; missing ones are made."""
        ...

    async def find_gates(self, participant_ids: Collection[str]) -> dict[str, Gate]:
        """The gates as last committed, unlocked; missing ones are absent."""
        ...

    async def busy_gates(self, after: str, *, limit: int) -> tuple[Gate, ...]:
        """Gates with used seats, or for which an assignment is parked, by id after ``after``."""
        ...


class Handoffs(Protocol):
    """Handoffs and offers; the task's lock covers them."""

    async def add_handoff(self, handoff: Handoff) -> None:
        """Insert a handoff; a second open one for the task cannot be inserted."""
        ...

    async def find_handoff(self, handoff_id: str) -> Handoff | None:
        """The handoff as last committed; call it under the task's lock to change it."""
        ...

    async def open_handoffs(self, task_ids: Collection[str]) -> dict[str, Handoff]:
        """The open handoff of each of these tasks, by task id; call it under their locks."""
        ...

    async def save_handoff(self, handoff: Handoff) -> None:
        """Write back a handoff whose task is locked."""
        ...

    async def list_handoffs(self, wanted: HandoffFilter, page: PageRequest) -> Page[Handoff]:
        """Handoffs, newest first."""
        ...

    async def handoffs_from(self, participant_id: str) -> tuple[Handoff, ...]:
        """Open handoffs whose source it is."""
        ...

    async def handoffs_to(self, participant_id: str) -> tuple[Handoff, ...]:
        """Open handoffs that are on offer to it, or parked for it."""
        ...

    async def add_offer(self, record: OfferRecord) -> None:
        """Write an offer."""
        ...

    async def end_offer(self, offer_id: str, *, at: datetime, outcome: str) -> None:
        """Write what became of an offer."""
        ...

    async def find_offer(self, offer_id: str) -> OfferRecord | None:
        """One offer of the history."""
        ...


class Queue(Protocol):
    """Tasks that wait for an assignee and handoffs that wait for a target, before they are due."""

    async def has_waiting(self, now: datetime) -> bool:
        """Whether a task waits for an assignee, or a handoff for a target."""
        ...

    async def wake_waiting(
        self, now: datetime, *, limit: int, grants: Collection[Grants] = ()
    ) -> int:
        """Make up to ``limit`` of the tasks, by priority, and of the handoffs due now.

        Only what one of the ``grants`` covers, where any are given. Answers how many.
        """
        ...


class Retirements(Protocol):
    """Retirements."""

    async def add_retirement(self, retirement: Retirement) -> bool:
        """Insert; False where the participant has one already (nothing is written then)."""
        ...

    async def find_retirement(self, retirement_id: str) -> Retirement | None:
        """The retirement as last committed."""
        ...

    async def retirement_of(self, participant_id: str) -> Retirement | None:
        """The participant's retirement, where it has one."""
        ...

    async def lock_retirement(self, retirement_id: str) -> Retirement:
        """Under its row lock; taken after tasks and gates. Raises `NotFound`."""
        ...

    async def save_retirement(self, retirement: Retirement) -> None:
        """Write back a locked retirement."""
        ...

    async def list_retirements(
        self, wanted: RetirementFilter, page: PageRequest
    ) -> Page[Retirement]:
        """Retirements, newest first."""
        ...

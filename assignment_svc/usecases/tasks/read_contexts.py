"""Resolves the address of a context for those who may read it."""

from dataclasses import dataclass

from assignment_svc.domain.context import ContextPointer
from assignment_svc.domain.handoff import Handoff
from assignment_svc.domain.ports import Unit
from assignment_svc.domain.states import HandoffStatus
from assignment_svc.domain.task import Task
from assignment_svc.usecases.steps.briefing import input_pointer, read_document
from assignment_svc.usecases.steps.existing import existing_task
from assignment_svc.usecases.steps.permissions import may_end, refusals_audited
from assignment_svc.usecases.steps.ports import Ports
from phoenix_runtime.core.errors import NotFound, NotPermitted
from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.pages import Page, PageRequest
from phoenix_runtime.core.principal import Call, Role

READERS = (Role.OPERATOR, Role.REVIEWER, Role.AUDITOR)


@dataclass(frozen=True, slots=True)
class Resolved:
    """What an address means; ``input`` only at version 0."""

    pointer: ContextPointer
    input: JsonObject | None = None


class ResolveContext:
    """Answers the assignee, an offered target (its offer's context only), submitter, auditors."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(
        self, call: Call, task_id: str, *, version: int = 0, offer_id: str = ""
    ) -> Resolved:
        """Resolve; the newest where ``version`` is 0. Raises `NotFound`, `NotPermitted`."""
        ports = self._ports
        async with (
            refusals_audited(ports, call, "ResolveContext"),
            ports.units.reading(call) as unit,
        ):
            task = await existing_task(unit, task_id)
            if may_read(call, task):
                return await _resolved(unit, task, version)
            offered = await _offered(unit, call, task, offer_id)
            if offered is None or version not in {0, offered}:
                raise NotPermitted(
                    "Only the assignee, the target of a standing offer, the submitter, "
                    "operators, reviewers and auditors read a task's context",
                    {"task_id": task_id},
                    remedy="Ask one of them; a target names its offer, and reads what is offered.",
                )
            return await _at(unit, task, offered)


class ListContextPointers:
    """Lists the recorded contexts of a task for those who may read them all."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(self, call: Call, task_id: str, page: PageRequest) -> Page[ContextPointer]:
        """List, newest first. Raises `NotFound`, `NotPermitted`."""
        ports = self._ports
        async with (
            refusals_audited(ports, call, "ListContextPointers"),
            ports.units.reading(call) as unit,
        ):
            task = await existing_task(unit, task_id)
            if not may_read(call, task):
                text = "The contexts of a task are listed for those who may read them all"
                remedy = "Ask its assignee or submitter, an operator, a reviewer or an auditor."
                raise NotPermitted(text, {"task_id": task_id}, remedy=remedy)
            return await unit.list_pointers(task_id, page)


def may_read(call: Call, task: Task) -> bool:
    """The present assignee, the submitter, operators, reviewers and auditors."""
    principal = call.principal
    if principal.has(*READERS):
        return True
    if principal.participant and principal.participant == task.owner_id:
        return True
    return may_end(
        call, submitter=task.submitter, submitter_participant_id=task.submitter_participant_id
    )


async def _resolved(unit: Unit, task: Task, version: int) -> Resolved:
    newest = task.pointer.version if task.pointer else 0
    return await _at(unit, task, version or newest)


async def _at(unit: Unit, task: Task, version: int) -> Resolved:
    if version == 0:
        return Resolved(input_pointer(task), await read_document(unit, task.spec.input_hash))
    pointer = await unit.find_pointer(task.task_id, version)
    if pointer is None:
        raise NotFound("context", f"{task.task_id}/{version}")
    return Resolved(pointer)


async def _offered(unit: Unit, call: Call, task: Task, offer_id: str) -> int | None:
    """The version that stands on offer to the caller; None where none does."""
    handoff: Handoff | None = (await unit.open_handoffs([task.task_id])).get(task.task_id)
    if handoff is None or handoff.status is not HandoffStatus.OFFERED or handoff.offer is None:
        return None
    offer = handoff.offer
    if offer.target != call.principal.participant or offer_id not in {"", offer.offer_id}:
        return None
    return offer.context_version

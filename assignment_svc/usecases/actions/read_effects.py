"""Reads effects outside the runtime; any member of the tenant may."""

from dataclasses import dataclass

from assignment_svc.domain.actions.effect import Effect, EffectFilter
from assignment_svc.usecases.steps.briefing import read_document
from assignment_svc.usecases.steps.existing import existing_task
from assignment_svc.usecases.steps.ports import Ports
from phoenix_runtime.core.errors import NotFound
from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.pages import Page, PageRequest
from phoenix_runtime.core.principal import Call


@dataclass(frozen=True, slots=True)
class ObservedEffect:
    """An effect with what is done, and with what came of it where it was done."""

    effect: Effect
    subject: JsonObject
    outcome: JsonObject | None


class GetEffect:
    """One effect."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(self, call: Call, authorization_id: str) -> ObservedEffect:
        """Read one effect as it is by now; raises `NotFound`."""
        async with self._ports.units.reading(call) as unit:
            found = await unit.find_effect(authorization_id)
            if found is None:
                raise NotFound("effect", authorization_id)
            task = await existing_task(unit, found.task_id)
            subject = await read_document(unit, found.subject_hash)
            kept = found.outcome_hash
            outcome = await read_document(unit, kept) if kept else None
            return ObservedEffect(found.seen_with(task), subject, outcome)


class ListEffects:
    """Effects, those begun last first; content is left to `GetEffect`."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(self, call: Call, wanted: EffectFilter, page: PageRequest) -> Page[Effect]:
        """Read a page of effects, each as it is by now."""
        async with self._ports.units.reading(call) as unit:
            return await unit.list_effects(wanted, page)

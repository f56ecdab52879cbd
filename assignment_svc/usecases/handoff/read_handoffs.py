"""Reads handoffs: one, or a page, newest first."""

from dataclasses import dataclass

from assignment_svc.domain.handoff import Handoff, HandoffFilter
from assignment_svc.domain.task import Exclusion
from assignment_svc.usecases.steps.ports import Ports
from phoenix_runtime.core.errors import NotFound
from phoenix_runtime.core.pages import Page, PageRequest
from phoenix_runtime.core.principal import Call


@dataclass(frozen=True, slots=True)
class HandoffView:
    """A handoff, and those who are not asked for it again."""

    handoff: Handoff
    refused: tuple[Exclusion, ...]


class GetHandoff:
    """Reads one handoff."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(self, call: Call, handoff_id: str) -> HandoffView:
        """The handoff; raises `NotFound`."""
        async with self._ports.units.reading(call) as unit:
            handoff = await unit.find_handoff(handoff_id)
            if handoff is None:
                raise NotFound("handoff", handoff_id)
            left_out = await unit.exclusions(handoff.task_id)
        refused = tuple(one for one in left_out if one.scope == handoff_id)
        return HandoffView(handoff, refused)


class ListHandoffs:
    """Lists handoffs."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(self, call: Call, wanted: HandoffFilter, page: PageRequest) -> Page[Handoff]:
        """A page of the handoffs that are wanted."""
        async with self._ports.units.reading(call) as unit:
            return await unit.list_handoffs(wanted, page)

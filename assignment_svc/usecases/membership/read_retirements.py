"""Reads retirements: one, or a page, newest first."""

from assignment_svc.domain.retirement import Retirement, RetirementFilter
from assignment_svc.usecases.steps.ports import Ports
from phoenix_runtime.core.errors import NotFound
from phoenix_runtime.core.pages import Page, PageRequest
from phoenix_runtime.core.principal import Call


class GetRetirement:
    """Reads one retirement."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(self, call: Call, retirement_id: str) -> Retirement:
        """The retirement; raises `NotFound`."""
        async with self._ports.units.reading(call) as unit:
            retirement = await unit.find_retirement(retirement_id)
        if retirement is None:
            raise NotFound("retirement", retirement_id)
        return retirement


class ListRetirements:
    """Lists retirements."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(
        self, call: Call, wanted: RetirementFilter, page: PageRequest
    ) -> Page[Retirement]:
        """A page of the retirements that are wanted."""
        async with self._ports.units.reading(call) as unit:
            return await unit.list_retirements(wanted, page)

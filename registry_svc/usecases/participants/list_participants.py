"""ListParticipants: participants by id or newest first, page by page."""

from phoenix_runtime.core.pages import Page, PageRequest
from phoenix_runtime.core.principal import Call
from registry_svc.domain.checks import Checks
from registry_svc.domain.participant_view import ParticipantView
from registry_svc.domain.ports import ParticipantFilter
from registry_svc.usecases.context import RegistryContext


class ListParticipants:
    """Reads participants page by page. Raises `FieldInvalid` for a filter that cannot match."""

    def __init__(self, context: RegistryContext) -> None:
        self._context = context

    async def __call__(
        self, call: Call, wanted: ParticipantFilter, page: PageRequest
    ) -> Page[ParticipantView]:
        """A page of participants."""
        _check_filter(wanted)
        async with self._context.units.reading(call) as unit:
            found = await unit.page_participants(wanted, page)
        views = tuple(self._context.view(call.tenant, one) for one in found.items)

        def token_after(view: ParticipantView) -> str:
            return found.token_after(view.participant)

        return Page(views, found.next_token, found.total, token_after=token_after)


def _check_filter(wanted: ParticipantFilter) -> None:
    checks = Checks()
    for kind in sorted(wanted.types):
        checks.name("types", kind)
    if wanted.owner:
        checks.identifier("owner", wanted.owner)
    checks.raise_any()

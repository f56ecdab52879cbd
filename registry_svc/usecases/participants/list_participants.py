"""ListParticipants: participants by id, page by page."""

from phoenix_runtime.core.json import Json
from phoenix_runtime.core.pages import Page, page_request
from phoenix_runtime.core.principal import Call
from registry_svc.domain.checks import Checks
from registry_svc.domain.participant_view import ParticipantView
from registry_svc.domain.ports import ParticipantFilter
from registry_svc.usecases.context import RegistryContext


class ListParticipants:
    """Reads participants page by page. Raises `FieldInvalid` for a page that cannot be."""

    def __init__(self, context: RegistryContext) -> None:
        self._context = context

    async def __call__(
        self, call: Call, wanted: ParticipantFilter, *, page_size: int, page_token: str
    ) -> Page[ParticipantView]:
        """A page of participants, by id."""
        _check_filter(wanted)
        filters: Json = [sorted(wanted.statuses), sorted(wanted.types), wanted.owner]
        page = page_request(page_size, page_token, filters)
        after = page.after[0] if page.after else ""
        async with self._context.units.reading(call) as unit:
            found = await unit.list_participants(wanted, after=after, limit=page.size + 1)
        shown = found[: page.size]
        token = page.token((shown[-1].id,)) if len(found) > page.size else ""
        return Page(tuple(self._context.view(call.tenant, one) for one in shown), token)


def _check_filter(wanted: ParticipantFilter) -> None:
    checks = Checks()
    for kind in sorted(wanted.types):
        checks.name("types", kind)
    if wanted.owner:
        checks.identifier("owner", wanted.owner)
    checks.raise_any()

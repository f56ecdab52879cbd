"""QueryCapabilityGraph: edges of the capability graph, page by page."""

from phoenix_runtime.core.json import Json
from phoenix_runtime.core.pages import Page, page_request
from phoenix_runtime.core.principal import Call
from registry_svc.domain.checks import Checks
from registry_svc.domain.graph import Edge, EdgeFilter
from registry_svc.usecases.context import RegistryContext


class QueryCapabilityGraph:
    """Reads the capability graph page by page. Raises `FieldInvalid` for a page that cannot be."""

    def __init__(self, context: RegistryContext) -> None:
        self._context = context

    async def __call__(
        self, call: Call, wanted: EdgeFilter, *, page_size: int, page_token: str
    ) -> Page[Edge]:
        """A page of edges, by participant, kind and name."""
        _check_filter(wanted)
        kind = wanted.kind.value if wanted.kind is not None else ""
        filters: Json = [wanted.participant_id, kind, wanted.name, wanted.include_refused]
        page = page_request(page_size, page_token, filters)
        after = page.after if len(page.after) == 3 else ()
        async with self._context.units.reading(call) as unit:
            found = await unit.list_edges(wanted, after=after, limit=page.size + 1)
        shown = found[: page.size]

        def token_after(edge: Edge) -> str:
            return page.token((edge.participant_id, edge.kind.value, edge.name))

        more = len(found) > page.size
        return Page(shown, token_after(shown[-1]) if more else "", token_after=token_after)


def _check_filter(wanted: EdgeFilter) -> None:
    checks = Checks()
    if wanted.participant_id:
        checks.identifier("participant_id", wanted.participant_id)
    checks.text("name", wanted.name, longest=128)
    checks.raise_any()

"""GetParticipant, ListParticipants, BatchGetStandings, QueryCapabilityGraph: read, never change."""

from collections.abc import Sequence

from phoenix_runtime.core.errors import NotFound
from phoenix_runtime.core.json import Json
from phoenix_runtime.core.pages import Page, page_request
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.standing import Standing
from registry_svc.domain.checks import Checks
from registry_svc.domain.graph import Edge, EdgeFilter
from registry_svc.domain.ports import ParticipantFilter
from registry_svc.domain.presence import Key
from registry_svc.domain.view import View
from registry_svc.usecases.parts import Parts, require_identifiers

MOST_STANDINGS = 500


class GetParticipant:
    """Raises `NotFound`, also for what another tenant owns."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def __call__(self, call: Call, participant_id: str) -> View:
        """One participant."""
        require_identifiers("participant_id", participant_id)
        found = await self._parts.registry.get(call.tenant, participant_id)
        if found is None:
            raise NotFound("participant", participant_id)
        return self._parts.view(call.tenant, found)


class ListParticipants:
    """Raises `FieldInvalid` for a page that cannot be."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def __call__(
        self, call: Call, wanted: ParticipantFilter, *, page_size: int, page_token: str
    ) -> Page[View]:
        """A page of participants, by id."""
        _check_filter(wanted)
        filters: Json = [sorted(wanted.statuses), sorted(wanted.types), wanted.owner]
        page = page_request(page_size, page_token, filters)
        after = page.after[0] if page.after else ""
        found = await self._parts.registry.page(
            call.tenant, wanted, after=after, limit=page.size + 1
        )
        shown = found[: page.size]
        token = page.token((shown[-1].id,)) if len(found) > page.size else ""
        return Page(tuple(self._parts.view(call.tenant, one) for one in shown), token)


class BatchGetStandings:
    """Raises `FieldInvalid` for too many ids."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def __call__(self, call: Call, participant_ids: Sequence[str]) -> tuple[Standing, ...]:
        """The standings of those that are known, with what their last beats said."""
        if len(participant_ids) > MOST_STANDINGS:
            checks = Checks()
            checks.refuse("participant_ids", f"names more than {MOST_STANDINGS}")
            checks.raise_any()
        require_identifiers("participant_ids", *participant_ids)
        found = await self._parts.registry.many(call.tenant, participant_ids)
        vitals = self._parts.attendance.vitals
        return tuple(one.standing(vitals(Key(call.tenant, one.id))) for one in found)


class QueryCapabilityGraph:
    """Raises `FieldInvalid` for a page that cannot be."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def __call__(
        self, call: Call, wanted: EdgeFilter, *, page_size: int, page_token: str
    ) -> Page[Edge]:
        """A page of edges, by participant, kind and name."""
        _check_edges(wanted)
        kind = wanted.kind.value if wanted.kind is not None else ""
        filters: Json = [wanted.participant_id, kind, wanted.name, wanted.include_refused]
        page = page_request(page_size, page_token, filters)
        after = page.after if len(page.after) == 3 else ()
        found = await self._parts.registry.edges(
            call.tenant, wanted, after=after, limit=page.size + 1
        )
        shown = found[: page.size]
        token = ""
        if len(found) > page.size:
            last = shown[-1]
            token = page.token((last.participant_id, last.kind.value, last.name))
        return Page(shown, token)


def _check_filter(wanted: ParticipantFilter) -> None:
    checks = Checks()
    for kind in sorted(wanted.types):
        checks.name("types", kind)
    if wanted.owner:
        checks.identifier("owner", wanted.owner)
    checks.raise_any()


def _check_edges(wanted: EdgeFilter) -> None:
    checks = Checks()
    if wanted.participant_id:
        checks.identifier("participant_id", wanted.participant_id)
    checks.text("name", wanted.name, longest=128)
    checks.raise_any()

"""ListEnrolments: the issuer's records, newest first, page by page."""

from phoenix_runtime.core.pages import Page, PageRequest
from phoenix_runtime.core.principal import Call
from registry_svc.domain.identity.records import Enrolment, EnrolmentFilter
from registry_svc.usecases.context import RegistryContext, require_identifiers


class ListEnrolments:
    """Reads records page by page. Raises `FieldInvalid` for what is no id."""

    def __init__(self, context: RegistryContext) -> None:
        self._context = context

    async def __call__(
        self, call: Call, wanted: EnrolmentFilter, page: PageRequest
    ) -> Page[Enrolment]:
        """A page of records, newest first."""
        if wanted.identity:
            require_identifiers("identity", wanted.identity)
        async with self._context.units.reading(call) as unit:
            return await unit.list_enrolments(wanted, page)

"""Lists certifications."""

from governance_svc.domain.ports import Units
from governance_svc.domain.trust.certification import Certification
from phoenix_runtime.core.pages import Page, PageRequest
from phoenix_runtime.core.principal import Call


class ListCertifications:
    """Lists certifications, newest first, revoked ones and those past their validity included."""

    def __init__(self, units: Units) -> None:
        self._units = units

    async def __call__(
        self, call: Call, participant_id: str, page: PageRequest
    ) -> Page[Certification]:
        """A page."""
        async with self._units.reading(call) as unit:
            return await unit.list_certifications(participant_id, page)

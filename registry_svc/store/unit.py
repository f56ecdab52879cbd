"""The unit of the registry: one transaction over participants, edges, directives and enrolments."""

import contextlib
from collections.abc import AsyncIterator, Sequence

from asyncpg import UniqueViolationError

from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.chassis.data.outbox import Outbox, VersionConflict
from phoenix_runtime.chassis.data.unit import Units
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.core.principal import Call
from registry_svc.domain.discovery_index import ParticipantChanges
from registry_svc.domain.participant import Participant
from registry_svc.domain.ports import IdTaken
from registry_svc.store.directives import DirectiveTable
from registry_svc.store.enrolments import EnrolmentTable
from registry_svc.store.index_rows import IndexQueries
from registry_svc.store.participants import ParticipantTable


class RegistryUnit(ParticipantTable, IndexQueries, DirectiveTable, EnrolmentTable):
    """Implements `domain.ports.Unit`."""


class RegistryUnits(Units[RegistryUnit]):
    """Implements `domain.ports.Units`, and tells ``changes`` of what was committed."""

    def __init__(
        self, database: Database, outbox: Outbox, changes: ParticipantChanges | None = None
    ) -> None:
        super().__init__(database, RegistryUnit, outbox, new_id)
        self._changes = changes

    @contextlib.asynccontextmanager
    async def __call__(self, call: Call) -> AsyncIterator[RegistryUnit]:
        """See `Units`. Where the end of a commit is unknown, so is what the unit wrote.

        Of two first registrations of an id, the later one is `IdTaken` at its end: by its row's
        key, or by the version of its event.
        """
        saved: Sequence[Participant] = ()
        added = False
        try:
            async with super().__call__(call) as unit:
                saved = unit.saved
                yield unit
                added = unit.added
        except BaseException as error:
            if saved and self._changes is not None:
                self._changes.uncertain(call.tenant, [one.id for one in saved])
            if added and isinstance(error, UniqueViolationError | VersionConflict):
                raise IdTaken("Somebody else registered this id at the same moment") from error
            raise
        if saved and self._changes is not None:
            self._changes.committed(call.tenant, saved)

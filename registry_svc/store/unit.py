"""The unit of the registry: one transaction over participants, edges, directives and enrolments."""

from asyncpg import UniqueViolationError

from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.chassis.data.outbox import Outbox, Rows, VersionConflict
from phoenix_runtime.chassis.data.unit import Units
from phoenix_runtime.chassis.ids import new_id
from registry_svc.domain.discovery_index import ParticipantChanges
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

    def committed(self, unit: RegistryUnit, written: Rows) -> None:
        """See `Units`; also says which participants were saved."""
        super().committed(unit, written)
        if unit.saved and self._changes is not None:
            self._changes.committed(unit.tenant, unit.saved)

    def failed(self, unit: RegistryUnit) -> None:
        """See `Units`. Where the end of a commit is unknown, so is what the unit wrote."""
        if unit.saved and self._changes is not None:
            self._changes.uncertain(unit.tenant, [one.id for one in unit.saved])

    def meaning(self, unit: RegistryUnit, error: BaseException) -> BaseException:
        """Of two first registrations of an id, the later one is `IdTaken`.

        By its row's key, or by the version of its event.
        """
        if unit.added and isinstance(error, UniqueViolationError | VersionConflict):
            return IdTaken("Somebody else registered this id at the same moment")
        return error

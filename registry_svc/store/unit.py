"""The unit of the registry: one transaction over participants, edges, directives and enrolments."""

from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.chassis.data.outbox import Outbox
from phoenix_runtime.chassis.data.unit import Units
from phoenix_runtime.chassis.ids import new_id
from registry_svc.store.candidates import CandidateQueries
from registry_svc.store.directives import DirectiveTable
from registry_svc.store.enrolments import EnrolmentTable
from registry_svc.store.participants import ParticipantTable


class RegistryUnit(ParticipantTable, CandidateQueries, DirectiveTable, EnrolmentTable):
    """Implements `domain.ports.Unit`."""


class RegistryUnits(Units[RegistryUnit]):
    """Implements `domain.ports.Units`."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        super().__init__(database, RegistryUnit, outbox, new_id)

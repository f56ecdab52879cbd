"""The unit of the state service: one transaction over contents and references."""

from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.chassis.data.outbox import Outbox
from phoenix_runtime.chassis.data.unit import Units
from phoenix_runtime.chassis.ids import new_id
from state_svc.store.contents import ContentTable
from state_svc.store.references import ReferenceTable


class StateUnit(ContentTable, ReferenceTable):
    """Implements `domain.ports.Unit`."""


class StateUnits(Units[StateUnit]):
    """Implements `domain.ports.Units`."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        super().__init__(database, StateUnit, outbox, new_id)

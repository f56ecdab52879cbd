"""Units of governance for tests that work below its API."""

from contextlib import AbstractAsyncContextManager

from governance_svc.store.tables import metadata
from governance_svc.store.unit import GovernanceUnit, GovernanceUnits
from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.chassis.data.outbox import Outbox
from phoenix_runtime.chassis.ids import new_id
from tests.support.builders.calls import call_of


def outbox_of(database: Database) -> Outbox:
    """An outbox of governance on the database's clock."""
    return Outbox("governance", metadata, clock=database.clock, new_id=new_id)


def reading(database: Database, tenant: str) -> AbstractAsyncContextManager[GovernanceUnit]:
    """A unit that reads ``tenant``."""
    units = GovernanceUnits(database, outbox_of(database))
    return units.reading(call_of("auditor", tenant=tenant))


def writing(database: Database, tenant: str) -> AbstractAsyncContextManager[GovernanceUnit]:
    """A unit that writes ``tenant``."""
    units = GovernanceUnits(database, outbox_of(database))
    return units(call_of("operator", tenant=tenant))

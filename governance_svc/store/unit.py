"""The unit of governance: one transaction over all of its tables."""

from governance_svc.store.approvals import ApprovalTable
from governance_svc.store.certifications import CertificationTable
from governance_svc.store.ledger_events import LedgerEventTable
from governance_svc.store.policy_activations import PolicyActivationTable
from governance_svc.store.policy_overlays import PolicyOverlayTables
from governance_svc.store.trust_projections import TrustProjectionTables
from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.chassis.data.outbox import Outbox
from phoenix_runtime.chassis.data.unit import Units
from phoenix_runtime.chassis.ids import new_id


class GovernanceUnit(
    ApprovalTable,
    CertificationTable,
    PolicyActivationTable,
    PolicyOverlayTables,
    TrustProjectionTables,
    LedgerEventTable,
):
    """Implements `domain.ports.Unit`."""


class GovernanceUnits(Units[GovernanceUnit]):
    """Implements `domain.ports.Units`."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        super().__init__(database, GovernanceUnit, outbox, new_id)

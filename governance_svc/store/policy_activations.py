"""Activations of policy revisions as rows."""

from typing import Final

from sqlalchemy import bindparam, select

from governance_svc.domain.policy.activation import PolicyActivation
from governance_svc.store.tables import policy_activations
from phoenix_runtime.chassis.data.database_errors import TransactionConflict
from phoenix_runtime.chassis.data.mapper import RowMapper
from phoenix_runtime.chassis.data.rows import TenantRows

MAPPER: Final = RowMapper(PolicyActivation)

NEWEST: Final = (
    select(policy_activations)
    .where(policy_activations.c.tenant == bindparam("tenant"))
    .order_by(policy_activations.c.version.desc())
    .limit(1)
)


LAST_OF: Final = (
    select(policy_activations)
    .where(
        policy_activations.c.tenant == bindparam("tenant"),
        policy_activations.c.overlay_revision == bindparam("overlay_revision"),
    )
    .order_by(policy_activations.c.version.desc())
    .limit(1)
)


class PolicyActivationTable(TenantRows):
    """Implements `domain.rows.PolicyActivations`."""

    async def newest_activation(self) -> PolicyActivation | None:
        """The newest activation."""
        row = await self._first(NEWEST, {"tenant": self.tenant})
        return None if row is None else MAPPER.value(row)

    async def last_activation_of(self, overlay_revision: str) -> PolicyActivation | None:
        """The newest activation of an overlay, None where it never was active."""
        parameters = {"tenant": self.tenant, "overlay_revision": overlay_revision}
        row = await self._first(LAST_OF, parameters)
        return None if row is None else MAPPER.value(row)

    async def add_activation(self, activation: PolicyActivation) -> None:
        """Insert an activation; raises `TransactionConflict` where another replica was faster."""
        if not await self._insert_if_absent(policy_activations, MAPPER.row(activation)):
            raise TransactionConflict("Another replica recorded this activation")

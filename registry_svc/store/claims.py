"""What the registry's workers read and prune across tenants, with the worker role."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import and_, bindparam, delete, or_, select

from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.chassis.data.statements import one_of
from phoenix_runtime.core.events import ReasonCode
from phoenix_runtime.core.standing import Liveness
from registry_svc.domain.lifecycle import PRESENT, RETIRING
from registry_svc.domain.session import LeaseKey
from registry_svc.store.tables import directives, participants

KEPT_ACKNOWLEDGED: Final = timedelta(hours=24)
"""How long an acknowledged directive is kept, so that a late repetition is not delivered again."""
KEPT_WAITING: Final = timedelta(days=14)
"""How long a directive waits for a participant that does not come back."""

_PRESENT: Final = one_of(participants.c.status, sorted(PRESENT))
_RETIRING_WITH_LEASE: Final = and_(
    participants.c.status == RETIRING.value,
    participants.c.status_reason == ReasonCode.PARTICIPANT_RETIREMENT.value,
)
LEASE_HOLDERS: Final = select(
    participants.c.tenant, participants.c.participant_id, participants.c.generation
).where(
    participants.c.liveness == Liveness.LEASED.value,
    or_(_PRESENT, _RETIRING_WITH_LEASE),
)
"""The rows for which `Participant.holds_lease` is true."""
TENANTS: Final = select(participants.c.tenant).where(_PRESENT).distinct()
PRUNE_DIRECTIVES: Final = delete(directives).where(
    or_(
        directives.c.acknowledged_at < bindparam("acknowledged_before"),
        directives.c.created_at < bindparam("created_before"),
    )
)


class WorkerClaims:
    """Implements `domain.ports.LeaseHolders`, and prunes directives."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lease_holders(self) -> tuple[LeaseKey, ...]:
        """See the port."""
        async with self._database.claiming() as connection:
            rows = await connection.fetch(LEASE_HOLDERS, {})
        return tuple(
            LeaseKey(row["tenant"], row["participant_id"], row["generation"]) for row in rows
        )

    async def tenants(self) -> Sequence[str]:
        """The tenants in which a participant is present."""
        async with self._database.claiming() as connection:
            return [row["tenant"] for row in await connection.fetch(TENANTS, {})]

    async def prune_directives(self) -> None:
        """Delete directives that are kept no longer."""
        now = self._database.clock.now()
        before = {
            "acknowledged_before": now - KEPT_ACKNOWLEDGED,
            "created_before": now - KEPT_WAITING,
        }
        async with self._database.claiming() as connection:
            await connection.run(PRUNE_DIRECTIVES, before)

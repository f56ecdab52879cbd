"""One transaction of the registry: implements `domain.ports.RegistryUnit`."""

import json
from collections.abc import Iterable, Sequence

from phoenix_runtime.chassis.data.database import driver
from phoenix_runtime.chassis.data.unit import Unit
from phoenix_runtime.core.directives import Directive
from phoenix_runtime.core.documents import directive_document
from phoenix_runtime.core.receipt import Receipt
from registry_svc.domain.graph import edges_of
from registry_svc.domain.participant import Participant
from registry_svc.domain.ports import Acknowledgement
from registry_svc.store import sql
from registry_svc.store.rows import edge_columns, participant_of, participant_values


class RegistryUnit(Unit):
    """The registry's repository inside a transaction."""

    async def lock(self, participant_ids: Iterable[str]) -> dict[str, Participant]:
        """See the port. Ordered by id, so that two units never wait for each other in a circle."""
        raw = await driver(self.connection)
        rows = await raw.fetch(sql.LOCK, self.tenant, list(participant_ids))
        return {row["id"]: participant_of(row) for row in rows}

    async def claim_id(self, participant_id: str) -> None:
        """See the port."""
        raw = await driver(self.connection)
        await raw.execute(sql.CLAIM_ID, f"{self.tenant}/{participant_id}")

    async def save(self, participants: Sequence[Participant]) -> None:
        """See the port."""
        if not participants:
            return
        raw = await driver(self.connection)
        await raw.execute(
            sql.MOVE,
            self.tenant,
            [one.id for one in participants],
            [one.status.value for one in participants],
            [one.status_reason for one in participants],
            [one.retirement_id for one in participants],
            [one.standing_revision for one in participants],
            [one.version for one in participants],
            [one.updated_at for one in participants],
        )

    async def enter(self, participant: Participant, receipt: Receipt) -> None:
        """See the port."""
        await self.rewrite(participant)
        raw = await driver(self.connection)
        await raw.execute(
            sql.RECORD_GENERATION,
            self.tenant,
            participant.id,
            participant.generation,
            participant.updated_at,
            self.call.actor,
            receipt.verdict.decision_id if receipt.verdict is not None else "",
            receipt.audit_event_id,
        )

    async def rewrite(self, participant: Participant) -> None:
        """See the port."""
        raw = await driver(self.connection)
        edges = edge_columns(edges_of(participant))
        await raw.execute(sql.WRITE, self.tenant, *participant_values(participant), *edges)

    async def store_directives(self, directives: Sequence[Directive]) -> int:
        """See the port."""
        raw = await driver(self.connection)
        status = await raw.execute(
            sql.STORE_DIRECTIVES,
            self.tenant,
            [one.directive_id for one in directives],
            [one.participant_id for one in directives],
            [json.dumps(directive_document(one)) for one in directives],
            self.clock.now(),
        )
        return int(status.split()[-1])  # "INSERT 0 <rows>"

    async def acknowledge(self, acks: Sequence[Acknowledgement]) -> None:
        """See the port."""
        raw = await driver(self.connection)
        await raw.execute(
            sql.ACKNOWLEDGE,
            self.tenant,
            [one.directive_id for one in acks],
            [one.participant_id for one in acks],
            [one.error for one in acks],
            self.clock.now(),
        )

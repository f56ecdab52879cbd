"""The unit of the registry: one transaction over its tables."""

import contextlib
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

from phoenix_runtime.chassis.data.database import Database, driver
from phoenix_runtime.chassis.data.outbox import Outbox
from phoenix_runtime.chassis.data.unit import Unit, UnitParts, Units
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.core.directives import Directive
from phoenix_runtime.core.documents import directive_document
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.receipt import Receipt
from registry_svc.domain.discovery import Requirement
from registry_svc.domain.graph import Edge, EdgeFilter, edges_of
from registry_svc.domain.participant import Participant
from registry_svc.domain.ports import Acknowledgement, ParticipantFilter
from registry_svc.store import sql
from registry_svc.store.rows import (
    directive_from,
    edge_columns,
    edge_of,
    participant_of,
    participant_values,
)


class TenantStatements(Unit):
    """Runs statements whose first parameter is the tenant."""

    async def _fetch(self, statement: str, *arguments: object) -> list[Any]:
        raw = await driver(self.connection)
        return list(await raw.fetch(statement, self.tenant, *arguments))

    async def _execute(self, statement: str, *arguments: object) -> str:
        raw = await driver(self.connection)
        return str(await raw.execute(statement, self.tenant, *arguments))


class ParticipantTable(TenantStatements):
    """Implements `domain.ports.Participants` and `domain.ports.Candidates`."""

    async def lock_participants(self, participant_ids: Iterable[str]) -> dict[str, Participant]:
        """See the port. Ordered by id, so that two units never wait for each other in a circle."""
        rows = await self._fetch(sql.LOCK, list(participant_ids))
        return {row["id"]: participant_of(row) for row in rows}

    async def lock_new_id(self, participant_id: str) -> None:
        """See the port."""
        raw = await driver(self.connection)
        await raw.execute(sql.CLAIM_ID, f"{self.tenant}/{participant_id}")

    async def save_participants(self, participants: Sequence[Participant]) -> None:
        """See the port."""
        if not participants:
            return
        await self._execute(
            sql.MOVE,
            [one.id for one in participants],
            [one.status.value for one in participants],
            [one.status_reason for one in participants],
            [one.retirement_id for one in participants],
            [one.standing_revision for one in participants],
            [one.version for one in participants],
            [one.updated_at for one in participants],
        )

    async def save_claims(self, participant: Participant) -> None:
        """See the port."""
        edges = edge_columns(edges_of(participant))
        await self._execute(sql.WRITE, *participant_values(participant), *edges)

    async def add_generation(self, participant: Participant, receipt: Receipt) -> None:
        """See the port."""
        await self._execute(
            sql.RECORD_GENERATION,
            participant.id,
            participant.generation,
            participant.updated_at,
            self.call.actor,
            receipt.verdict.decision_id if receipt.verdict is not None else "",
            receipt.audit_event_id,
        )

    async def find_participant(self, participant_id: str) -> Participant | None:
        """See the port."""
        found = await self.find_participants([participant_id])
        return found[0] if found else None

    async def find_participants(self, participant_ids: Sequence[str]) -> tuple[Participant, ...]:
        """See the port."""
        return await self._participants(sql.MANY, list(participant_ids))

    async def list_participants(
        self, wanted: ParticipantFilter, *, after: str, limit: int
    ) -> tuple[Participant, ...]:
        """See the port."""
        statuses = [status.value for status in wanted.statuses]
        kinds = sorted(wanted.types)
        return await self._participants(sql.PAGE, after, statuses, kinds, wanted.owner, limit)

    async def list_edges(
        self, wanted: EdgeFilter, *, after: tuple[str, ...], limit: int
    ) -> tuple[Edge, ...]:
        """See the port."""
        start = after or ("", "", "")
        kind = wanted.kind.value if wanted.kind is not None else ""
        arguments = [wanted.participant_id, kind, wanted.name, wanted.include_refused, limit]
        return tuple(edge_of(row) for row in await self._fetch(sql.EDGES, *start, *arguments))

    async def matching_participants(
        self, requirement: Requirement, *, after: str, limit: int
    ) -> tuple[Participant, ...]:
        """See the port."""
        wanted = [("capability", name) for name in requirement.required_capabilities]
        wanted += [("data_domain", name) for name in requirement.data_domains]
        joined = wanted[: sql.MOST_JOINED]
        return await self._participants(
            sql.matching(len(joined)),
            *_fit(requirement),
            after,
            list(requirement.exclude),
            limit,
            *(part for edge in joined for part in edge),
        )

    async def near_misses(self, requirement: Requirement, *, limit: int) -> tuple[Participant, ...]:
        """See the port."""
        statement = sql.NEAR if requirement.required_capabilities else sql.NEAR_ANY
        excluded = list(requirement.exclude)
        return await self._participants(statement, *_fit(requirement), excluded, limit)

    async def _participants(self, statement: str, *arguments: object) -> tuple[Participant, ...]:
        return tuple(participant_of(row) for row in await self._fetch(statement, *arguments))


class DirectiveTable(TenantStatements):
    """Implements `domain.ports.Directives`."""

    async def add_directives(self, directives: Sequence[Directive]) -> int:
        """See the port."""
        status = await self._execute(
            sql.STORE_DIRECTIVES,
            [one.directive_id for one in directives],
            [one.participant_id for one in directives],
            [json.dumps(directive_document(one)) for one in directives],
            self.clock.now(),
        )
        return int(status.split()[-1])  # "INSERT 0 <rows>"

    async def acknowledge_directives(self, acks: Sequence[Acknowledgement]) -> None:
        """See the port."""
        await self._execute(
            sql.ACKNOWLEDGE,
            [one.directive_id for one in acks],
            [one.participant_id for one in acks],
            [one.error for one in acks],
            self.clock.now(),
        )

    async def waiting_directives(
        self, participant_ids: Sequence[str], *, limit: int
    ) -> tuple[Directive, ...]:
        """See the port."""
        rows = await self._fetch(sql.WAITING, list(participant_ids), limit)
        return tuple(directive_from(row) for row in rows)


class RegistryUnit(ParticipantTable, DirectiveTable):
    """Implements `domain.ports.Unit`."""


class RegistryUnits:
    """Implements `domain.ports.Units`."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox
        self._units = Units(database, RegistryUnit, outbox, new_id)

    def __call__(self, call: Call) -> contextlib.AbstractAsyncContextManager[RegistryUnit]:
        """One transaction; see `chassis.data.unit.Units`."""
        return self._units(call)

    @contextlib.asynccontextmanager
    async def reading(self, call: Call) -> AsyncIterator[RegistryUnit]:
        """One read-only transaction."""
        async with self._database.reading(call.tenant) as connection:
            yield RegistryUnit(
                UnitParts(
                    connection=connection,
                    call=call,
                    clock=self._database.clock,
                    new_id=new_id,
                    outbox=self._outbox,
                )
            )


def _fit(requirement: Requirement) -> list[object]:
    """The parameters that say who fits."""
    return [
        [status.value for status in requirement.statuses],
        list(requirement.required_capabilities),
        list(requirement.data_domains),
        requirement.task_type,
    ]

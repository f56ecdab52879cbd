"""Reads the evidence that `core.validate` judges, from all schemas in one snapshot.

It needs the administrator's URL: every other role sees one schema, and one tenant in it.
"""

from collections.abc import Iterable
from typing import Any

import asyncpg

from phoenix_runtime.core.chain import Head, Link
from phoenix_runtime.core.documents import event_of
from phoenix_runtime.core.events import AuditEvent
from phoenix_runtime.core.json import parsed
from phoenix_runtime.core.validate import (
    Evidence,
    ObservedApproval,
    ObservedBinding,
    ObservedEffect,
    ObservedGate,
    ObservedHandoff,
    ObservedParticipant,
    ObservedPointer,
    ObservedRetirement,
    ObservedTask,
)

Connection = Any
"""asyncpg's connection; its stubs know only the pooled one's records."""

LEDGER = "governance.ledger_events"
HEAD = "governance.ledger_heads"
CONTENTS = "state.contents"
OUTBOXES = ("registry", "assignment", "state", "governance")

TASKS = """
SELECT task_id, status, version, epoch, correlation_id, participant_id AS owner,
       coalesce((binding->>'epoch')::bigint, 0) AS owner_epoch,
       coalesce(parked->>'action', '') AS parked_action, handoff_id,
       coalesce((pointer->>'version')::bigint, 0) AS pointer_version,
       coalesce(pointer->>'hash', '') AS pointer_hash, result_hash, losses, max_losses,
       ARRAY(SELECT ARRAY[o->>'id', o->>'evidence', o->>'met_event_id']
             FROM jsonb_array_elements(obligations) AS o WHERE o->>'evidence' <> '') AS met
FROM assignment.tasks WHERE tenant = $1 ORDER BY task_id
"""

BINDINGS = """
SELECT task_id, epoch, participant_id, gained_by, bound_at, ended_at, ended_by
FROM assignment.bindings WHERE tenant = $1 ORDER BY task_id, epoch
"""

GATES = """
SELECT participant_id, capacity, used, retirement_id
FROM assignment.gates WHERE tenant = $1 ORDER BY participant_id
"""

HANDOFFS = """
SELECT handoff_id, task_id, source, (source_binding->>'epoch')::bigint AS source_epoch, status,
       source_gone, source_seated, coalesce(offer->>'target', '') AS offered_to,
       coalesce(offer->>'context_hash', '') AS offered_hash, target, target_epoch, received_hash
FROM assignment.handoffs WHERE tenant = $1 ORDER BY handoff_id
"""

RETIREMENTS = """
SELECT retirement_id, participant_id, status, version, created_at
FROM assignment.retirements WHERE tenant = $1 ORDER BY retirement_id
"""

POINTERS = """
SELECT task_id, version, hash, participant_id, epoch, by_reference
FROM assignment.context_pointers WHERE tenant = $1 ORDER BY task_id, version
"""

PARTICIPANTS = """
SELECT participant_id, status, version, retirement_id
FROM registry.participants WHERE tenant = $1 ORDER BY participant_id
"""

LINKS = """
SELECT sequence, leaf_hash, chain_hash FROM governance.ledger_events
WHERE tenant = $1 ORDER BY sequence
"""

LEDGER_HEAD = "SELECT sequence, chain_hash FROM governance.ledger_heads WHERE tenant = $1"

CONTENT_HASHES = """
SELECT hash, 'sha256:' || encode(sha256(content), 'hex') AS found
FROM state.contents WHERE tenant = $1
"""

EFFECTS = """
SELECT authorization_id, task_id, status, begun, epoch
FROM assignment.effects WHERE tenant = $1 ORDER BY authorization_id
"""

TENANTS = "SELECT tenant FROM governance.ledger_heads ORDER BY tenant"

APPROVALS = """
SELECT approval_id, status, version FROM governance.approvals WHERE tenant = $1 ORDER BY approval_id
"""


async def read_evidence(admin_url: str, tenant: str) -> Evidence:
    """Return the audit and the tables of ``tenant``; raises what asyncpg raises."""
    connection = await asyncpg.connect(admin_url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return await _evidence(connection, tenant)
    finally:
        await connection.close()


async def tenants_of(admin_url: str) -> tuple[str, ...]:
    """Return every tenant that the ledger knows, by name; raises what asyncpg raises."""
    connection = await asyncpg.connect(admin_url)
    try:
        if not await _exists(connection, HEAD):
            return ()
        return tuple(row["tenant"] for row in await connection.fetch(TENANTS))
    finally:
        await connection.close()


async def _exists(connection: Connection, table: str) -> bool:
    """Tell whether the table exists: whether its service was ever started with this database."""
    return await connection.fetchval("SELECT to_regclass($1)", table) is not None


async def _evidence(connection: Connection, tenant: str) -> Evidence:
    async def rows(kind: Any, table: str, query: str) -> tuple[Any, ...]:
        if not await _exists(connection, table):
            return ()
        return tuple(kind(**dict(row)) for row in await connection.fetch(query, tenant))

    heads = await rows(Head, HEAD, LEDGER_HEAD)
    ledger = await _exists(connection, HEAD)
    contents = await _exists(connection, CONTENTS)
    return Evidence(
        events=await _events(connection, tenant),
        tasks=await rows(ObservedTask, "assignment.tasks", TASKS),
        bindings=await rows(ObservedBinding, "assignment.bindings", BINDINGS),
        gates=await rows(ObservedGate, "assignment.gates", GATES),
        handoffs=await rows(ObservedHandoff, "assignment.handoffs", HANDOFFS),
        retirements=await rows(ObservedRetirement, "assignment.retirements", RETIREMENTS),
        participants=await rows(ObservedParticipant, "registry.participants", PARTICIPANTS),
        pointers=await rows(ObservedPointer, "assignment.context_pointers", POINTERS),
        approvals=await rows(ObservedApproval, "governance.approvals", APPROVALS),
        effects=await rows(ObservedEffect, "assignment.effects", EFFECTS),
        links=await rows(Link, LEDGER, LINKS),
        head=(heads[0] if heads else Head()) if ledger else None,
        contents=dict(await connection.fetch(CONTENT_HASHES, tenant)) if contents else None,
    )


async def _events(connection: Connection, tenant: str) -> tuple[AuditEvent, ...]:
    """Return the ledger's events and those still in the outboxes, each once."""
    columns = {LEDGER: "document, leaf_hash"}
    columns |= {f"{schema}.outbox": "document" for schema in OUTBOXES}
    found: dict[str, AuditEvent] = {}
    for table, wanted in columns.items():
        if not await _exists(connection, table):
            continue
        query = f"SELECT {wanted} FROM {table} WHERE tenant = $1"  # noqa: S608  # names from this module
        for event in _parsed(await connection.fetch(query, tenant)):
            found.setdefault(event.event_id, event)
    return tuple(found.values())


def _parsed(rows: Iterable[Any]) -> Iterable[AuditEvent]:
    # The ledger keeps the leaf hash beside the document that was hashed, an outbox inside.
    return (event_of({**row, **parsed(row["document"])}) for row in rows)

"""What has to hold after every story: `validate`, and that each RPC wrote only what it declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import asyncpg

from phoenix_runtime.chassis.schema import Rpc, rpcs
from phoenix_runtime.core.events import AuditEvent
from phoenix_runtime.core.validate import validate
from tests.e2e.stage import Stage

SCHEMAS = ("registry", "assignment", "governance")
RPCS = rpcs()
REFUSALS = {"ACCESS_REFUSED", "POLICY_DENIED", "ACTION_DENIED", "JOIN_DENIED", "SUBMISSION_DENIED"}


async def prove(stage: Stage) -> None:
    """Fail with everything that the tables and the audit of the tenant show to be wrong."""
    evidence = await stage.evidence()
    assert evidence.events, "a story leaves its audit; this one proved nothing"
    findings = [str(finding) for finding in validate(evidence)]
    answered = await _answered(stage)
    written = _by_request(evidence.events)
    findings += _undeclared({**stage.recording.paths, **answered}, written)
    findings += _silent(answered, written)
    assert not findings, "\n".join(["audit and tables of the tenant:", *findings])


async def _answered(stage: Stage) -> dict[str, str]:
    """The RPC of every request that was answered and remembered, by its id."""
    connection = await asyncpg.connect(stage.house.admin_url)
    try:
        found: dict[str, str] = {}
        for schema in SCHEMAS:
            query = f"SELECT request_id, rpc FROM {schema}.idempotency WHERE tenant = $1"  # noqa: S608
            rows = await connection.fetch(query, stage.tenant)
            found.update({row["request_id"]: row["rpc"] for row in rows})
        return found
    finally:
        await connection.close()


def _by_request(events: Sequence[AuditEvent]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for event in events:
        if event.request_id:
            found.setdefault(event.request_id, []).append(event.type)
    return found


def _undeclared(paths: Mapping[str, str], written: Mapping[str, list[str]]) -> Iterator[str]:
    """Events that an RPC wrote without saying in the schema that it may."""
    for request_id, types in written.items():
        rpc = RPCS.get(paths.get(request_id, ""))
        if rpc is None:
            # Asked by a process of its own, and refused: only what was committed is remembered.
            if not set(types) <= REFUSALS:
                yield f"{types} of {request_id}: nobody knows which RPC that was"
            continue
        undeclared = sorted(set(types) - set(rpc.audit_events))
        if undeclared:
            yield f"{rpc.path} wrote {undeclared} and declares {sorted(rpc.audit_events)}"


def _silent(answered: Mapping[str, str], written: Mapping[str, list[str]]) -> Iterator[str]:
    """Changes that left no trace."""
    for request_id, path in answered.items():
        rpc: Rpc = RPCS[path]
        if rpc.audit_events and request_id not in written:
            yield f"{path} changed something ({request_id}) and wrote nothing"

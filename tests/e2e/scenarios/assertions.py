"""What has to hold after every test: `validate`, and that each RPC wrote only what it declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from phoenix_runtime.chassis.schema import rpcs
from phoenix_runtime.core.events import AuditEvent
from phoenix_runtime.core.validate import validate
from tests.e2e.scenarios.scenario import Scenario

SCHEMAS = ("registry", "assignment", "governance")
RPCS = rpcs()
REFUSALS = {"ACCESS_REFUSED", "POLICY_DENIED", "ACTION_DENIED", "JOIN_DENIED", "SUBMISSION_DENIED"}
RESUME = "/phoenix_dma.v1.AssignmentService/ResumeTasks"
"""Whoever holds nothing resumes nothing, and there is nothing to prove. Its answer is not
remembered, since the same generation gets the same epochs however often it asks."""
FORGOTTEN = REFUSALS | set(RPCS[RESUME].audit_events)
"""What may be found of a request that nobody remembers: asked by a process of its own."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A remembered answer: the RPC, and the audit events that it names."""

    path: str
    receipts: tuple[str, ...]


async def assert_invariants(scenario: Scenario) -> None:
    """Fail with everything that the tables and the audit of the tenant show to be wrong."""
    # Agents that are processes go on asking meanwhile: what was answered before the look has its
    # proof in it, and what the look shows was asked by then.
    before = await _answered(scenario)
    evidence = await scenario.evidence()
    after = await _answered(scenario)
    assert evidence.events, "a test leaves an audit; this one has none"
    findings = [str(finding) for finding in validate(evidence)]
    written = _by_request(evidence.events)
    paths = {request_id: answer.path for request_id, answer in after.items()}
    findings += _undeclared({**scenario.recording.paths, **paths}, written)
    findings += _unproven(before, evidence.events)
    assert not findings, "\n".join(["audit and tables of the tenant:", *findings])


async def _answered(scenario: Scenario) -> dict[str, Answered]:
    """Every request that was answered and remembered, by its id."""
    connection = await asyncpg.connect(scenario.runtime.admin_url)
    try:
        found: dict[str, Answered] = {}
        for schema in SCHEMAS:
            query = f"SELECT request_id, rpc, answer FROM {schema}.idempotency WHERE tenant = $1"  # noqa: S608
            for row in await connection.fetch(query, scenario.tenant):
                answer = RPCS[row["rpc"]].response.FromString(row["answer"])
                found[row["request_id"]] = Answered(row["rpc"], tuple(_receipts(answer)))
        return found
    finally:
        await connection.close()


def _receipts(answer: Any) -> Iterator[str]:
    """The audit events that an answer names as its receipts."""
    fields = answer.DESCRIPTOR.fields_by_name
    if "receipt" in fields and answer.HasField("receipt"):
        yield answer.receipt.audit_event_id
    if "receipts" in fields:
        yield from (receipt.audit_event_id for receipt in answer.receipts)


def _by_request(events: Sequence[AuditEvent]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for event in events:
        if event.request_id:
            found.setdefault(event.request_id, []).append(event.type)
    return found


def _undeclared(paths: Mapping[str, str], written: Mapping[str, list[str]]) -> Iterator[str]:
    """Events that an RPC wrote without declaring them in the schema."""
    for request_id, types in written.items():
        rpc = RPCS.get(paths.get(request_id, ""))
        if rpc is None:
            if not set(types) <= FORGOTTEN:
                yield f"{types} of {request_id}: nobody knows which RPC that was"
            continue
        undeclared = sorted(set(types) - set(rpc.audit_events))
        if undeclared:
            yield f"{rpc.path} wrote {undeclared} and declares {sorted(rpc.audit_events)}"


def _unproven(answered: Mapping[str, Answered], events: Sequence[AuditEvent]) -> Iterator[str]:
    """Receipts that name no event, and answers without one where an event has to be written.

    An answer that changed nothing, because it was given before, names the event of the first time.
    """
    written = {event.event_id for event in events}
    for request_id, answer in answered.items():
        lost = sorted(set(answer.receipts) - written)
        if lost:
            yield f"{answer.path} answered with receipts that the audit does not know: {lost}"
        silent = not answer.receipts and answer.path != RESUME
        if RPCS[answer.path].audit_events and silent:
            yield f"{answer.path} changed something ({request_id}) and proved nothing"

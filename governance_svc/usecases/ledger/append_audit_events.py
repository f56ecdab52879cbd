"""Appends events that services have committed to the ledger (guarantees: Audit)."""

import asyncio
from collections.abc import Iterator, Sequence

from governance_svc.domain.ledger.entries import Appended, LeafMismatch, VerifiedEvent, verified
from governance_svc.domain.ledger.ports import LedgerWriter
from phoenix_runtime.core.errors import FieldInvalid, Violation
from phoenix_runtime.core.events import AuditEvent
from phoenix_runtime.core.json import NotCanonical
from phoenix_runtime.core.principal import Call

MAX_EVENTS = 1000
"""The most events of one request."""

YIELD_AFTER = 32
"""Events hashed between two turns of the event loop: no decision waits for a large request."""


class AppendAuditEvents:
    """Appends what is new, and answers once it is durable."""

    def __init__(self, ledger: LedgerWriter) -> None:
        self._ledger = ledger

    async def __call__(self, call: Call, events: Sequence[AuditEvent]) -> Appended:
        """Append ``events`` of the calling service.

        Raises `FieldInvalid` for an event of another tenant or service, or whose leaf hash is not
        its own; `AlreadyExists`, `QuotaExceeded`, `Unavailable` as the ledger does.
        """
        if len(events) > MAX_EVENTS:
            text = f"at most {MAX_EVENTS}, not {len(events)}"
            raise FieldInvalid([Violation("events", text)])
        violations = [
            Violation(f"events[{index}].{violation.field}", violation.text)
            for index, event in enumerate(events)
            for violation in _violations(call, event)
        ]
        if violations:
            raise FieldInvalid(violations)
        return await self._ledger.append(call.tenant, await _verified(events))


def _violations(call: Call, event: AuditEvent) -> Iterator[Violation]:
    """A service writes the audit of its own changes only, in the caller's tenant."""
    if event.tenant != call.tenant:
        yield Violation("tenant", "is not the tenant of the credential")
    if event.service != call.service:
        yield Violation("service", "is not the service that calls")
    if not event.event_id or not event.type or not event.aggregate:
        yield Violation("event_id", "an event has an id, a type and an aggregate")
    if event.aggregate_version < 1:
        yield Violation("aggregate_version", "counts from 1")


async def _verified(events: Sequence[AuditEvent]) -> list[VerifiedEvent]:
    result: list[VerifiedEvent] = []
    violations: list[Violation] = []
    for index, event in enumerate(events):
        if index % YIELD_AFTER == YIELD_AFTER - 1:
            await asyncio.sleep(0)
        try:
            result.append(verified(event))
        except (LeafMismatch, NotCanonical) as error:
            violations.append(Violation(f"events[{index}].leaf_hash", str(error)))
    if violations:
        raise FieldInvalid(violations)
    return result

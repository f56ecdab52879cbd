"""Appends events that services have committed to the ledger (guarantees: Audit)."""

import asyncio
from collections.abc import Iterator

from governance_svc.domain.ledger.entries import (
    Appended,
    LeafMismatch,
    SentEvents,
    VerifiedEvent,
    verified,
)
from governance_svc.domain.ledger.ports import LedgerWriter
from phoenix_runtime.core.errors import FieldInvalid, Violation
from phoenix_runtime.core.events import AuditEvent
from phoenix_runtime.core.principal import Call

MAX_EVENTS = 1000
"""The most events of one request."""

YIELD_AFTER = 32
"""Events hashed between two turns of the event loop: no decision waits for a large request."""


class AppendAuditEvents:
    """Appends what is new, and answers once it is durable."""

    def __init__(self, ledger: LedgerWriter) -> None:
        self._ledger = ledger

    async def __call__(self, call: Call, sent: SentEvents) -> Appended:
        """Append the events that the calling service ``sent``.

        Raises `FieldInvalid` for an event of another tenant or service, or whose leaf hash is not
        its own; `AlreadyExists`, `QuotaExceeded`, `Unavailable` as the ledger does.
        """
        if len(sent.events) > MAX_EVENTS:
            text = f"at most {MAX_EVENTS}, not {len(sent.events)}"
            raise FieldInvalid([Violation(sent.field, text)])
        violations = [
            Violation(f"{sent.field}[{index}].{violation.field}", violation.text)
            for index, hashed in enumerate(sent.events)
            for violation in _violations(call, hashed.event)
        ]
        if violations:
            raise FieldInvalid(violations)
        return await self._ledger.append(call.tenant, await _verified(sent))


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


async def _verified(sent: SentEvents) -> list[VerifiedEvent]:
    result: list[VerifiedEvent] = []
    violations: list[Violation] = []
    for index, hashed in enumerate(sent.events):
        if index % YIELD_AFTER == YIELD_AFTER - 1:
            await asyncio.sleep(0)
        try:
            result.append(verified(hashed))
        except LeafMismatch as error:
            violations.append(Violation(f"{sent.field}[{index}].leaf_hash", str(error)))
    if violations:
        raise FieldInvalid(violations)
    return result

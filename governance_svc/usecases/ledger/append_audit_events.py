"""Appends events that services have already committed (guarantees: Audit)."""

import asyncio
from collections.abc import Iterator, Sequence

from governance_svc.domain.ledger.entries import Appended, LeafMismatch, Sealed, sealed
from governance_svc.domain.ledger.ports import LedgerWriter
from phoenix_runtime.core.errors import FieldInvalid, Violation
from phoenix_runtime.core.events import AuditEvent
from phoenix_runtime.core.json import NotCanonical
from phoenix_runtime.core.principal import Call

LARGEST_REQUEST = 1000
"""Events of one request."""

STRIDE = 32
"""Events that are hashed before others get their turn: a decision does not wait for a backlog."""


class AppendAuditEvents:
    """Takes in what is new, and acknowledges once it is durable."""

    def __init__(self, ledger: LedgerWriter) -> None:
        self._ledger = ledger

    async def __call__(self, call: Call, events: Sequence[AuditEvent]) -> Appended:
        """Append ``events`` of the calling service.

        Raises `FieldInvalid` for an event of another tenant or service, or whose leaf hash is not
        its own; `AlreadyExists`, `QuotaExceeded`, `Unavailable` as the ledger does.
        """
        if len(events) > LARGEST_REQUEST:
            text = f"at most {LARGEST_REQUEST}, not {len(events)}"
            raise FieldInvalid([Violation("events", text)])
        violations = [
            Violation(f"events[{index}].{violation.field}", violation.text)
            for index, event in enumerate(events)
            for violation in _faults(call, event)
        ]
        if violations:
            raise FieldInvalid(violations)
        return await self._ledger.append(call.tenant, await _sealed(events))


def _faults(call: Call, event: AuditEvent) -> Iterator[Violation]:
    """Whose event it is: a service writes the audit of its own acts, in the caller's tenant."""
    if event.tenant != call.tenant:
        yield Violation("tenant", "is not the tenant of the credential")
    if event.service != call.service:
        yield Violation("service", "is not the service that calls")
    if not event.event_id or not event.type or not event.aggregate:
        yield Violation("event_id", "an event has an id, a type and an aggregate")
    if event.aggregate_version < 1:
        yield Violation("aggregate_version", "counts from 1")


async def _sealed(events: Sequence[AuditEvent]) -> list[Sealed]:
    found: list[Sealed] = []
    violations: list[Violation] = []
    for index, event in enumerate(events):
        if index % STRIDE == STRIDE - 1:
            await asyncio.sleep(0)
        try:
            found.append(sealed(event))
        except (LeafMismatch, NotCanonical) as error:
            violations.append(Violation(f"events[{index}].leaf_hash", str(error)))
    if violations:
        raise FieldInvalid(violations)
    return found

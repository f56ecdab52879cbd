"""Writes audit events, directives and answers in the transaction of the change that they belong to.

A unit collects them, and one statement at its end (`data.outbox_sql`) writes them all: one round
trip however many there are. The statement refuses an event whose version does not follow the
newest of its aggregate.
"""

import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import asyncpg
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncConnection

from phoenix_runtime.chassis.data.database import driver
from phoenix_runtime.chassis.data.database_errors import TransactionConflict
from phoenix_runtime.chassis.data.outbox_sql import Parts, flush_statement
from phoenix_runtime.chassis.rpc.handler import AnsweredBefore
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.directives import Directive
from phoenix_runtime.core.documents import directive_document, event_document
from phoenix_runtime.core.event_catalogue import CATALOGUE
from phoenix_runtime.core.events import (
    EVENT_VERSION,
    AuditDraft,
    AuditEvent,
    leaf,
    verdict_document,
)
from phoenix_runtime.core.ids import NewId
from phoenix_runtime.core.principal import Call

LEDGER: Final = "ledger"
BUS: Final = "bus"
DIRECTIVES: Final = "directives"
"""The receivers of an outbox, by their names in ``deliveries``."""


class VersionConflict(TransactionConflict):
    """An event's version does not follow the newest of its aggregate; the change is not kept.

    Either two transactions changed the aggregate without its row's lock, or a version is missing.
    """


@dataclass(slots=True)
class Pending:
    """What one transaction writes at its end."""

    events: list[AuditEvent] = field(default_factory=list)
    directives: list[Directive] = field(default_factory=list)
    answer: bytes | None = None


class Outbox:
    """The outbox of one service: ``service`` is its short name, such as registry."""

    def __init__(self, service: str, metadata: MetaData, *, clock: Clock, new_id: NewId) -> None:
        self.service = service
        self.clock = clock
        self._new_id = new_id
        self.metadata = metadata
        self._schema = metadata.schema or service
        self._listeners: list[Callable[[], None]] = []

    def complete(self, draft: AuditDraft, call: Call) -> AuditEvent:
        """The event of ``draft``: with id, time, actor, correlation, salt and leaf hash.

        Raises `core.json.NotCanonical` for a detail that has no canonical form.
        """
        event = AuditEvent(
            event_id=self._new_id("event"),
            timestamp=self.clock.now(),
            actor=call.actor,
            participant=draft.participant,
            task=draft.task,
            policy_decision=verdict_document(draft.verdict),
            input_references=draft.input_references,
            output_references=draft.output_references,
            reason_code=draft.reason_code.value,
            previous_state=draft.previous_state,
            new_state=draft.new_state,
            correlation_id=draft.correlation_id or call.correlation_id,
            tenant=call.tenant,
            type=draft.type.value,
            event_version=EVENT_VERSION,
            service=self.service,
            aggregate=draft.aggregate,
            aggregate_version=draft.aggregate_version,
            caused_by=call.caused_by,
            on_behalf_of=call.on_behalf_of,
            handoff=draft.handoff,
            detail=draft.detail,
            request_id=call.request_id,
            salt=secrets.token_hex(16),
            leaf_hash="",
        )
        return replace(event, leaf_hash=leaf(event_document(event)))

    async def flush(self, connection: AsyncConnection, call: Call, pending: Pending) -> None:
        """Write ``pending`` in the transaction of ``connection``.

        Raises `VersionConflict`, and `AnsweredBefore` where the same request was answered already.
        """
        parts, arguments, heads = self._arguments(call, pending)
        if not parts.any:
            return
        raw = await driver(connection)
        try:
            moved = await raw.fetchval(flush_statement(self._schema, parts), *arguments)
        except asyncpg.UniqueViolationError as error:
            raise _refusal_of(error) from error
        if moved != heads:
            raise VersionConflict("An event does not follow the newest of its aggregate")

    def on_commit(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` after each commit that wrote something (it wakes the relay)."""
        self._listeners.append(listener)

    def notify_committed(self) -> None:
        """Call the listeners."""
        for listener in self._listeners:
            listener()

    def _arguments(self, call: Call, pending: Pending) -> tuple[Parts, list[Any], int]:
        now = self.clock.now()
        arguments: list[Any] = [call.tenant, now]
        heads = _heads(pending.events)
        born = {key: last for key, (first, last) in heads.items() if first <= 2 <= last}
        moved = {key: span for key, span in heads.items() if span[0] > 2}
        deliveries = list(_deliveries(pending))
        if pending.events:
            arguments += _columns(map(_event_row, pending.events), 5)
        if deliveries:
            arguments += _columns(deliveries, 2)
        if born:
            arguments += [list(born), list(born.values())]
        if moved:
            arguments += _columns(((key, *span) for key, span in moved.items()), 3)
        if pending.directives:
            arguments += _columns(map(_directive_row, pending.directives), 3)
        if pending.answer is not None and call.idempotency is not None:
            key = call.idempotency
            arguments += [call.actor, key.rpc, key.request_id, key.body_hash, pending.answer]
        parts = Parts(
            events=bool(pending.events),
            deliveries=bool(deliveries),
            born=bool(born),
            moved=bool(moved),
            directives=bool(pending.directives),
            answer=pending.answer is not None,
        )
        return parts, arguments, len(moved)


def _heads(events: Sequence[AuditEvent]) -> dict[str, tuple[int, int]]:
    """The first and last version of each aggregate among ``events``."""
    heads: dict[str, tuple[int, int]] = {}
    for event in events:
        first, last = heads.get(event.aggregate, (event.aggregate_version, None))
        if event.aggregate_version < 1 or last not in {None, event.aggregate_version - 1}:
            text = f"{event.aggregate}: version {event.aggregate_version} cannot follow {last}"
            raise VersionConflict(text)
        heads[event.aggregate] = (first, event.aggregate_version)
    return heads


def _event_row(event: AuditEvent) -> tuple[Any, ...]:
    # Not the canonical form, which is slower to make: whoever checks the hash derives it from this.
    document = json.dumps(event_document(event), ensure_ascii=False, separators=(",", ":"))
    return event.event_id, event.aggregate, event.aggregate_version, event.type, document


def _deliveries(pending: Pending) -> Iterator[tuple[str, str]]:
    """The key and receiver of each delivery."""
    for event in pending.events:
        yield event.event_id, LEDGER
        if CATALOGUE[event.type].published:
            yield event.event_id, BUS
    for directive in pending.directives:
        yield directive.directive_id, DIRECTIVES


def _directive_row(directive: Directive) -> tuple[str, str, str]:
    document = json.dumps(directive_document(directive))
    return directive.directive_id, directive.participant_id, document


def _columns(rows: Iterable[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """Rows as the arrays that ``unnest`` takes."""
    columns: list[list[Any]] = [[] for _ in range(width)]
    for row in rows:
        for column, value in zip(columns, row, strict=True):
            column.append(value)
    return columns


def _refusal_of(error: asyncpg.UniqueViolationError) -> Exception:
    """The refusal that a violated constraint means."""
    name = str(error.constraint_name)
    if name == "idempotency_pkey":
        return AnsweredBefore()
    if name.startswith("outbox"):
        return VersionConflict("There is an event of that version of the aggregate already")
    return error

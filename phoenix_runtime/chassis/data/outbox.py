"""Writes audit events, directives and answers in the transaction of the change that they belong to.

A unit collects them, and one statement at its end (`data.outbox_sql`) writes them all: one round
trip however many there are. The statement refuses an event whose version does not follow the
newest of its aggregate.
"""

import json
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import asyncpg
from sqlalchemy import MetaData

from phoenix_runtime.chassis.data.connection import Connection
from phoenix_runtime.chassis.data.database_errors import TransactionConflict
from phoenix_runtime.chassis.data.outbox_sql import Kinds, flush_parts
from phoenix_runtime.chassis.data.writes import Parts
from phoenix_runtime.chassis.rpc.handler import AnsweredBefore
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.directives import Directive
from phoenix_runtime.core.documents import HashedEvent, directive_document, hashed_event
from phoenix_runtime.core.durations import CLAIM_DURATION
from phoenix_runtime.core.event_catalogue import CATALOGUE
from phoenix_runtime.core.events import (
    EVENT_VERSION,
    AuditDraft,
    AuditEvent,
    verdict_document,
)
from phoenix_runtime.core.ids import NewId
from phoenix_runtime.core.principal import Call

LEDGER: Final = "ledger"
BUS: Final = "bus"
DIRECTIVES: Final = "directives"
"""The receivers of an outbox, by their names in ``deliveries``."""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A document for one receiver. ``failures`` counts the attempts that the receiver failed."""

    tenant: str
    key: str
    document: str
    failures: int = 0
    event: HashedEvent | None = field(default=None, compare=False, repr=False)
    """The event of the document, where the row was committed here and not read."""


Take = Callable[[Sequence[OutboxRow]], None]
Rows = Mapping[str, Sequence[OutboxRow]]
"""What a transaction wrote, by receiver."""


class VersionConflict(TransactionConflict):
    """An event's version does not follow the newest of its aggregate; the change is not kept.

    Either two transactions changed the aggregate without its row's lock, or a version is missing.
    """


@dataclass(slots=True)
class Pending:
    """What one transaction writes at its end."""

    events: list[HashedEvent] = field(default_factory=list)
    directives: list[Directive] = field(default_factory=list)
    answer: bytes | None = None
    ended: set[str] = field(default_factory=set)
    """Aggregates of which one of ``events`` is the last."""


class Outbox:
    """The outbox of one service: ``service`` is its short name, such as registry."""

    def __init__(self, service: str, metadata: MetaData, *, clock: Clock, new_id: NewId) -> None:
        self.service = service
        self.clock = clock
        self._new_id = new_id
        self.metadata = metadata
        self._schema = metadata.schema or service
        self._listeners: list[Callable[[], None]] = []
        self._takers: dict[str, Take] = {}

    def complete(self, draft: AuditDraft, call: Call) -> HashedEvent:
        """The event of ``draft``, with id, time, actor, salt and leaf hash, and its content.

        Raises `core.json.NotCanonical` for a detail that has no canonical form.
        """
        values = {
            "event_id": self._new_id("event"),
            "timestamp": self.clock.now(),
            "actor": call.actor,
            "participant": draft.participant,
            "task": draft.task,
            "policy_decision": verdict_document(draft.verdict),
            "input_references": draft.input_references,
            "output_references": draft.output_references,
            "reason_code": draft.reason_code.value,
            "previous_state": draft.previous_state,
            "new_state": draft.new_state,
            "correlation_id": draft.correlation_id or call.correlation_id,
            "tenant": call.tenant,
            "type": draft.type.value,
            "event_version": EVENT_VERSION,
            "service": self.service,
            "aggregate": draft.aggregate,
            "aggregate_version": draft.aggregate_version,
            "caused_by": call.caused_by,
            "on_behalf_of": call.on_behalf_of,
            "handoff": draft.handoff,
            "detail": draft.detail,
            "request_id": call.request_id,
            "salt": secrets.token_hex(16),
        }
        return hashed_event(values)

    async def flush(
        self,
        connection: Connection,
        call: Call,
        pending: Pending,
        committing: Callable[[], None],
    ) -> Rows:
        """Write ``pending``, and what waits on ``connection``, by its last statement.

        Calls ``committing`` before that can be committed. Answers what each receiver gets. Raises
        `VersionConflict`, `AnsweredBefore` where the same request was answered already, and
        LookupError where a row that is written is not there.
        """
        rows = _rows(call.tenant, pending)
        kinds, arguments, followed = self._arguments(call, pending, rows)
        if not kinds.any:
            await connection.write_last(None, committing)
            return {}
        own = Parts(*flush_parts(self._schema, kinds), arguments, judged=kinds.judged)
        try:
            (found,) = await connection.write_last(own, committing)
        except asyncpg.UniqueViolationError as error:
            raise _refusal_of(error) from error
        if found != followed:
            raise VersionConflict("An event does not follow the newest of its aggregate")
        return rows

    def on_commit(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` after each commit that wrote something."""
        self._listeners.append(listener)

    def hand_to(self, receiver: str, take: Take) -> None:
        """Hand what is committed for ``receiver`` to ``take`` from now on, claimed for it.

        Nobody else claims it for `CLAIM_DURATION`. What was committed by a process that died before
        it was delivered is claimed after that, as any row.
        """
        self._takers[receiver] = take

    def stop_handing_to(self, receiver: str) -> None:
        """Hand nothing more over for ``receiver``."""
        self._takers.pop(receiver, None)

    def notify_committed(self, rows: Rows) -> None:
        """Hand ``rows``, which are committed now, to who takes them, and call the listeners."""
        for receiver, take in self._takers.items():
            if receiver in rows:
                take(rows[receiver])
        for listener in self._listeners:
            listener()

    def _arguments(self, call: Call, pending: Pending, rows: Rows) -> tuple[Kinds, list[Any], int]:
        now = self.clock.now()
        arguments: list[Any] = [call.tenant, now]
        born, moved, gone = _heads_to_write(pending)
        deliveries = list(self._deliveries(rows, now))
        if pending.events:
            documents = {row.key: row.document for row in rows[LEDGER]}
            events = (_event_row(hashed.event, documents) for hashed in pending.events)
            arguments += _columns(events, 5)
        if deliveries:
            arguments += _columns(deliveries, 3)
        if born:
            arguments += [list(born), list(born.values())]
        if moved:
            arguments += _columns(((key, *span) for key, span in moved.items()), 3)
        if gone:
            arguments += [list(gone), list(gone.values())]
        if pending.directives:
            documents = {row.key: row.document for row in rows[DIRECTIVES]}
            arguments += _columns((_directive_row(d, documents) for d in pending.directives), 3)
        if pending.answer is not None and call.idempotency is not None:
            key = call.idempotency
            arguments += [call.actor, key.rpc, key.request_id, key.body_hash, pending.answer]
        kinds = Kinds(
            events=bool(pending.events),
            deliveries=bool(deliveries),
            born=bool(born),
            moved=bool(moved),
            gone=bool(gone),
            directives=bool(pending.directives),
            answer=pending.answer is not None,
        )
        return kinds, arguments, len(moved) + len(gone)

    def _deliveries(self, rows: Rows, now: datetime) -> Iterator[tuple[str, str, datetime]]:
        """Key, receiver and the end of its first claim, of each delivery."""
        for receiver, found in rows.items():
            until = now + CLAIM_DURATION if receiver in self._takers else now
            for row in found:
                yield row.key, receiver, until


def _heads_to_write(
    pending: Pending,
) -> tuple[dict[str, int], dict[str, tuple[int, int]], dict[str, int]]:
    """Newest version of each aggregate that begins, span of each that goes on, first of each ended.

    Nobody asks any more which version an aggregate has whose last event this is. One that ends with
    its second has no head, and needs none: a later one finds none to follow, and the second again
    its own row here, or the aggregate's, which says that it is over.
    """
    heads = _heads([hashed.event for hashed in pending.events])
    gone = {key: first for key, (first, _) in heads.items() if key in pending.ended}
    kept = {key: span for key, span in heads.items() if key not in gone}
    born = {key: last for key, (first, last) in kept.items() if first <= 2 <= last}
    moved = {key: span for key, span in kept.items() if span[0] > 2}
    return born, moved, {key: first for key, first in gone.items() if first > 2}


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


def _rows(tenant: str, pending: Pending) -> Rows:
    """What each receiver gets of ``pending``."""
    rows: dict[str, list[OutboxRow]] = defaultdict(list)
    for hashed in pending.events:
        row = OutboxRow(tenant, hashed.event.event_id, hashed.document, event=hashed)
        rows[LEDGER].append(row)
        if CATALOGUE[hashed.event.type].published:
            rows[BUS].append(row)
    for directive in pending.directives:
        document = json.dumps(directive_document(directive))
        rows[DIRECTIVES].append(OutboxRow(tenant, directive.directive_id, document))
    return rows


def _event_row(event: AuditEvent, documents: Mapping[str, str]) -> tuple[Any, ...]:
    document = documents[event.event_id]
    return event.event_id, event.aggregate, event.aggregate_version, event.type, document


def _directive_row(directive: Directive, documents: Mapping[str, str]) -> tuple[str, str, str]:
    key = directive.directive_id
    return key, directive.participant_id, documents[key]


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

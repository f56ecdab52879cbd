"""One transaction of one use case: the change, its audit events, its directives, its answer."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, TypeVar

from phoenix_runtime.chassis.data.connection import Connection
from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.chassis.data.idempotency import recall
from phoenix_runtime.chassis.data.outbox import Outbox, Pending, Rows
from phoenix_runtime.chassis.failpoints import AFTER_COMMIT, BEFORE_COMMIT, passing
from phoenix_runtime.chassis.rpc.handler import AnsweredBefore
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.directives import Directive
from phoenix_runtime.core.events import AuditDraft
from phoenix_runtime.core.ids import NewId
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.receipt import Receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitParts:
    """What a unit is made of; a subclass with a constructor of its own passes it on."""

    connection: Connection
    call: Call
    clock: Clock
    new_id: NewId
    outbox: Outbox


class Unit:
    """A transaction inside the tenant of ``call``; a service's subclass adds its repositories."""

    def __init__(self, parts: UnitParts) -> None:
        self.connection = parts.connection
        self.call = parts.call
        self.clock = parts.clock
        self.new_id = parts.new_id
        self._outbox = parts.outbox
        self._pending = Pending()

    @property
    def tenant(self) -> str:
        """The tenant that the transaction is in."""
        return self.call.tenant

    async def audit(self, draft: AuditDraft) -> Receipt:
        """Write an event with this transaction; answers the proof of it.

        It is written at the end of the unit, with directives and answer. A version that does not
        follow raises `VersionConflict` there, and the transaction is rolled back. An event after
        the last one of its aggregate is a mistake of the program: RuntimeError.
        """
        return await self.audit_for(self.call, draft)

    async def audit_for(self, call: Call, draft: AuditDraft) -> Receipt:
        """As `audit`, of another call of the tenant whose event is written together with others."""
        if draft.aggregate in self._pending.ended:
            raise RuntimeError(f"{draft.aggregate} has ended: {draft.type.value} cannot follow")
        hashed = self._outbox.complete(draft, call)
        self._pending.events.append(hashed)
        if draft.last:
            self._pending.ended.add(draft.aggregate)
        return Receipt(
            audit_event_id=hashed.event.event_id,
            correlation_id=hashed.event.correlation_id,
            aggregate_version=hashed.event.aggregate_version,
            verdict=draft.verdict,
        )

    async def audit_refusal(self, draft: AuditDraft) -> Receipt:
        """As `audit`, of the call's own refusal; raises `AnsweredBefore` for an answered request.

        Of the same request twice at once the later one may be refused for what the first one did.
        """
        table = self._outbox.metadata.tables[f"{self._outbox.metadata.schema}.idempotency"]
        if await recall(self.connection, table, self.call) is not None:
            raise AnsweredBefore
        return await self.audit(draft)

    async def direct(self, directive: Directive) -> None:
        """Send a directive with this transaction; it arrives at least once."""
        self._pending.directives.append(directive)

    async def remember(self, result: Any) -> None:
        """Store the answer to this request with its effect; nothing where it has no request id.

        Call it last, with what the use case returns. A second answer to the same request raises
        `AnsweredBefore` at the end of the unit, and the transaction is rolled back.
        """
        if self.call.idempotency is not None:
            self._pending.answer = self.call.idempotency.encode(result)

    def event_types(self) -> list[str]:
        """The types of the events that it is about to write."""
        return [hashed.event.type for hashed in self._pending.events]

    async def flush(self, committing: Callable[[], None]) -> Rows:
        """Write what was collected (`Units` does it); answers what the relay has to deliver.

        Calls ``committing`` before it can be committed.
        """
        pending, self._pending = self._pending, Pending()
        return await self._outbox.flush(self.connection, self.call, pending, committing)


U = TypeVar("U", bound=Unit)


class Units(Generic[U]):
    """Opens units of one service."""

    def __init__(
        self, database: Database, unit_class: type[U], outbox: Outbox, new_id: NewId
    ) -> None:
        self._database = database
        self._unit_class = unit_class
        self._outbox = outbox
        self._new_id = new_id

    def __call__(self, call: Call) -> AbstractAsyncContextManager[U]:
        """One transaction in the call's tenant; committed at the end, then handed to the relay.

        Raises `core.errors.Unavailable`, `TransactionConflict`, `VersionConflict` and
        `AnsweredBefore`; nothing is kept then (after Unavailable in a commit: perhaps).
        """
        return _Open(self, self._database.transaction(call.tenant), call)

    def reading(self, call: Call) -> AbstractAsyncContextManager[U]:
        """Reads in the call's tenant; raises `core.errors.Unavailable`.

        Each statement has a snapshot of its own, and PostgreSQL refuses to write. What the unit
        would audit, direct or remember is dropped.
        """
        return _Reading(self, self._database.reading(call.tenant), call)

    def single(self, call: Call) -> AbstractAsyncContextManager[U]:
        """One statement that writes in the call's tenant, committed when it is executed.

        For what answers a number or rows and has no event: a unit that has writes it all by one
        statement of its own accord. What it would audit, direct or remember is dropped. Raises as
        `__call__`.
        """
        return _Single(self, self._database.writing(call.tenant), call)

    def unit(self, connection: Connection, call: Call) -> U:
        """A unit on ``connection``."""
        return self._unit_class(self._parts(connection, call))

    def committed(self, unit: U, written: Rows) -> None:
        """Hand what ``unit`` wrote to the relay; a service's subclass tells others, too."""
        if written:
            self._outbox.notify_committed(written)

    def failed(self, unit: U) -> None:
        """Called where ``unit`` ended with an error: what it wrote is not kept, or perhaps."""

    def meaning(self, unit: U, error: BaseException) -> BaseException:
        """What ``error``, raised by the end of ``unit``, means to who opened it."""
        return error

    def _parts(self, connection: Connection, call: Call) -> UnitParts:
        return UnitParts(
            connection=connection,
            call=call,
            clock=self._database.clock,
            new_id=self._new_id,
            outbox=self._outbox,
        )


class _Reading(AbstractAsyncContextManager[U]):
    """One unit that reads, for the length of a block."""

    __slots__ = ("_call", "_inside", "_units")

    def __init__(
        self, units: Units[U], inside: AbstractAsyncContextManager[Connection], call: Call
    ) -> None:
        self._units = units
        self._inside = inside
        self._call = call

    async def __aenter__(self) -> U:
        """Take a connection; it is given back where no unit can be made on it."""
        connection = await self._inside.__aenter__()
        try:
            return self._units.unit(connection, self._call)
        except BaseException as error:
            await self._inside.__aexit__(type(error), error, error.__traceback__)
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give it back."""
        await self._inside.__aexit__(kind, error, trace)


class _Single(_Reading[U]):
    """One unit whose one statement is committed when it is executed."""

    __slots__ = ()

    async def __aenter__(self) -> U:
        """Take a connection."""
        passing(BEFORE_COMMIT, self._call.tenant)
        return await super().__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give it back."""
        await super().__aexit__(kind, error, trace)
        if error is None:
            passing(AFTER_COMMIT, self._call.tenant)


class _Open(_Reading[U]):
    """One unit that writes, for the length of a block."""

    __slots__ = ("_unit",)

    async def __aenter__(self) -> U:
        """Make the transaction, which begins with its first statement."""
        self._unit = await super().__aenter__()
        return self._unit

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write what was collected and commit; roll back after an error."""
        try:
            written = await self._end(error)
        except BaseException as raised:
            self._units.failed(self._unit)
            meant = raised if error is not None else self._units.meaning(self._unit, raised)
            if meant is not raised:
                raise meant from raised
            raise
        if error is None:
            self._units.committed(self._unit, written)
        else:
            self._units.failed(self._unit)

    async def _end(self, error: BaseException | None) -> Rows:
        written: Rows = {}
        if error is None:
            known = (self._call.tenant, *self._unit.event_types())
            try:
                written = await self._unit.flush(lambda: passing(BEFORE_COMMIT, *known))
            except BaseException as raised:
                await self._inside.__aexit__(type(raised), raised, raised.__traceback__)
                raise
            await self._inside.__aexit__(None, None, None)
            passing(AFTER_COMMIT, *known)
        else:
            await self._inside.__aexit__(type(error), error, error.__traceback__)
        return written

"""One connection inside a tenant: executes statements that SQLAlchemy describes."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

import asyncpg
import orjson
from sqlalchemy import Executable

from phoenix_runtime.chassis.data.statements import Compiled, compiled
from phoenix_runtime.chassis.data.writes import Parts, Write, Writes, write_together

Row: TypeAlias = Mapping[str, Any]
"""A row by the names of its columns."""
Parameters: TypeAlias = Mapping[str, Any]
SET_SESSION: Final = (
    "SELECT set_config('phoenix.tenant', '{tenant}', false),"
    " set_config('default_transaction_read_only', '{read_only}', false)"
)


@dataclass(frozen=True, slots=True)
class Session:
    """What statements outside a transaction may see and do."""

    tenant: str
    read_only: bool

    @property
    def statement(self) -> str:
        """What sets it."""
        return SET_SESSION.format(tenant=self.tenant, read_only="on" if self.read_only else "off")


CLAIMS: Final = Session(tenant="", read_only=False)
"""The session of a new connection, and of a worker's claims."""


@dataclass(slots=True)
class ConnectionState:
    """What is known of a pooled connection; ``session`` is None where it may be any."""

    session: Session | None = CLAIMS
    answered_at: float = 0.0
    """When it last answered, by the event loop's clock."""

    def is_of_kind(self, wanted: Session) -> bool:
        """Whether its session may write where ``wanted`` may, or might be any."""
        return self.session is None or self.session.read_only == wanted.read_only


class PooledConnection(asyncpg.Connection):
    """The driver's connection, with what is known of it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.known = ConnectionState()

    async def describe_types(self) -> None:
        """Make JSON documents values of Python; once, when the connection is new."""
        await self.set_type_codec(
            "jsonb", schema="pg_catalog", encoder=json.dumps, decoder=orjson.loads
        )

    def hang_up(self) -> None:
        """End it as if the server had: whoever waits for an answer is told at once.

        `terminate` takes away the protocol, too, under a statement that is being prepared.
        """
        self._transport.abort()  # type: ignore[attr-defined]  # one of the driver's slots


class Connection:
    """Executes statements; ``raw`` is the driver's, for measured statements (`…_sql` modules).

    Statements come with parameters where they are built once (`statements.compiled`). Rows that are
    written `later` are written before any other statement. Every method raises asyncpg's errors.
    """

    __slots__ = ("_writes", "held")

    def __init__(self, held: PooledConnection | None) -> None:
        self.held = held
        """What is given back to the pool at the end; None where nothing has been executed."""
        self._writes = Writes()

    @property
    def raw(self) -> PooledConnection:
        """The driver's connection; raises RuntimeError for a transaction that has not begun."""
        if self.held is None:
            raise RuntimeError("the transaction has not begun")
        return self.held

    async def begin(self) -> PooledConnection:
        """The driver's connection, ready for statements."""
        return self.raw

    async def fetch(
        self, statement: Executable, parameters: Parameters | None = None
    ) -> Sequence[Row]:
        """Every row."""
        built = await self._ready(statement, parameters)
        rows = await self.raw.fetch(built.text, *built.arguments(parameters or {}))
        return cast("Sequence[Row]", rows)

    async def first(
        self, statement: Executable, parameters: Parameters | None = None
    ) -> Row | None:
        """The first row; None where there is none."""
        built = await self._ready(statement, parameters)
        row = await self.raw.fetchrow(built.text, *built.arguments(parameters or {}))
        return cast("Row | None", row)

    async def value(self, statement: Executable, parameters: Parameters | None = None) -> Any:
        """The first column of the first row; None where there is none."""
        built = await self._ready(statement, parameters)
        return await self.raw.fetchval(built.text, *built.arguments(parameters or {}))

    async def run(self, statement: Executable, parameters: Parameters | None = None) -> int:
        """Execute what answers no rows; answers how many rows it wrote."""
        built = await self._ready(statement, parameters)
        status = await self.raw.execute(built.text, *built.arguments(parameters or {}))
        return int(status.rpartition(" ")[2])

    async def later(self, write: Write) -> None:
        """Write a row together with others; its errors are raised when it is written."""
        if self._writes.has(write):
            await self.write()
        self._writes.add(write)

    async def write(self, others: Parts | None = None) -> Sequence[int]:
        """Write what waits, and ``others``, by one statement; answers what it selects of those.

        Raises LookupError where a row that is written is not there.
        """
        if others is None and not self._writes:
            return ()
        return await write_together(self.raw, self._writes, others)

    async def write_last(
        self, others: Parts | None, committing: Callable[[], None]
    ) -> Sequence[int]:
        """As `write`; nothing is executed after it. Calls ``committing`` before the commit."""
        found = await self.write(others)
        committing()
        return found

    async def finish(self) -> None:
        """End what was done; what still waits to be written is written."""
        await self.write()

    async def run_for_each(self, statement: Executable, rows: Sequence[Parameters]) -> None:
        """Execute a statement once for each of ``rows``, which have the same names."""
        if not rows:
            return
        built = await self._ready(statement, rows[0])
        await self.raw.executemany(built.text, [built.arguments(row) for row in rows])

    async def _ready(self, statement: Executable, parameters: Parameters | None) -> Compiled:
        if self._writes:
            await self.write()
        return compiled(statement, parameters)

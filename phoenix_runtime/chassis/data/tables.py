"""Declares tables whose keys begin with the tenant, and the tables that every service has."""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.schema import ColumnCollectionConstraint, SchemaItem

NAMES = {
    "pk": "%(table_name)s_pkey",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "ck": "%(table_name)s_%(constraint_name)s_check",
}


def service_metadata(schema: str) -> MetaData:
    """The metadata of a service's tables: in its own schema, constraints named by one rule."""
    return MetaData(schema=schema, naming_convention=NAMES)


def tenant_table(name: str, metadata: MetaData, *items: SchemaItem) -> Table:
    """A table with ``tenant`` as its first column and the first of its primary key.

    Mark the other key columns with ``primary_key=True``. Raises ValueError for a unique or foreign
    key that does not begin with the tenant: constraints see past row-level security.
    """
    table = Table(name, metadata, Column("tenant", Text, primary_key=True), *items)
    for item in table.constraints:
        if isinstance(item, ColumnCollectionConstraint) and _identifies(item):
            _begins_with_tenant(name, [column.name for column in item.columns])
    for index in table.indexes:
        if index.unique:
            _begins_with_tenant(name, [column.name for column in index.columns])
    return table


def outbox_table(metadata: MetaData) -> Table:
    """Audit events to deliver, committed with the change that they record; never changed.

    Also makes ``outbox_heads`` (versions) and ``deliveries`` (what each receiver has not got yet).
    """
    _heads_table(metadata)
    _deliveries_table(metadata)
    return tenant_table(
        "outbox",
        metadata,
        Column("event_id", Text, primary_key=True),
        Column("aggregate", Text, nullable=False),
        Column("aggregate_version", BigInteger, nullable=False),
        Column("type", Text, nullable=False),
        Column("document", Text, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False),
        UniqueConstraint("tenant", "aggregate", "aggregate_version"),
        Index("outbox_created", "created_at"),
    )


def directive_outbox_table(metadata: MetaData) -> Table:
    """Directives to deliver to the registry; beside `outbox_table`, where a service sends any."""
    return tenant_table(
        "directive_outbox",
        metadata,
        Column("directive_id", Text, primary_key=True),
        Column("participant_id", Text, nullable=False),
        Column("document", Text, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False),
        Index("directive_outbox_created", "created_at"),
    )


def idempotency_table(metadata: MetaData) -> Table:
    """The answers to mutations, by caller, RPC and request id."""
    return tenant_table(
        "idempotency",
        metadata,
        Column("principal", Text, primary_key=True),
        Column("rpc", Text, primary_key=True),
        Column("request_id", Text, primary_key=True),
        Column("body_hash", Text, nullable=False),
        Column("answer", LargeBinary, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False),
        Index("idempotency_created", "created_at"),
    )


def _heads_table(metadata: MetaData) -> Table:
    """The newest version of every aggregate with more than one event, against gaps."""
    return tenant_table(
        "outbox_heads",
        metadata,
        Column("aggregate", Text, primary_key=True),
        Column("version", BigInteger, nullable=False),
    )


def _deliveries_table(metadata: MetaData) -> Table:
    """What each receiver (ledger, bus, directives) has not got yet; delivered rows are deleted.

    Each receiver has a row of its own: with marks on one row receivers would wait for each other's
    locks. ``claimed_until`` begins at the row's creation, so that one index finds the unclaimed
    rows, oldest first.
    """
    return tenant_table(
        "deliveries",
        metadata,
        Column("key", Text, primary_key=True),
        Column("receiver", Text, primary_key=True),
        Column("claimed_until", DateTime(timezone=True), nullable=False),
        Column("failures", SmallInteger, nullable=False, server_default=text("0")),
        Index("deliveries_free", "receiver", "claimed_until"),
    )


def _identifies(item: object) -> bool:
    return isinstance(item, PrimaryKeyConstraint | UniqueConstraint | ForeignKeyConstraint)


def _begins_with_tenant(table: str, columns: list[str]) -> None:
    if not columns or columns[0] != "tenant":
        raise ValueError(f"{table}: the key {columns} does not begin with the tenant")

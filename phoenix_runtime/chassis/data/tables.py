"""Declares tables whose keys begin with the tenant, and the tables that every service has."""

from sqlalchemy import (
    Column,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy.schema import ColumnCollectionConstraint, SchemaItem

from phoenix_runtime.chassis.data.columns import count_column, instant_column, text_column

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
    table = Table(name, metadata, text_column("tenant", key=True), *items)
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
        text_column("event_id", key=True),
        text_column("aggregate"),
        count_column("aggregate_version"),
        text_column("type"),
        text_column("document"),
        instant_column("created_at"),
        UniqueConstraint("tenant", "aggregate", "aggregate_version"),
        Index("outbox_created", "created_at"),
    )


def directive_outbox_table(metadata: MetaData) -> Table:
    """Directives to deliver to the registry; beside `outbox_table`, where a service sends any."""
    return tenant_table(
        "directive_outbox",
        metadata,
        text_column("directive_id", key=True),
        text_column("participant_id"),
        text_column("document"),
        instant_column("created_at"),
        Index("directive_outbox_created", "created_at"),
    )


def idempotency_table(metadata: MetaData) -> Table:
    """The answers to mutations, by caller, RPC and request id."""
    return tenant_table(
        "idempotency",
        metadata,
        text_column("principal", key=True),
        text_column("rpc", key=True),
        text_column("request_id", key=True),
        text_column("body_hash"),
        Column("answer", LargeBinary, nullable=False),
        instant_column("created_at"),
        Index("idempotency_created", "created_at"),
    )


def _heads_table(metadata: MetaData) -> Table:
    """The newest version of every aggregate with more than one event that has not ended."""
    return tenant_table(
        "outbox_heads",
        metadata,
        text_column("aggregate", key=True),
        count_column("version"),
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
        text_column("key", key=True),
        text_column("receiver", key=True),
        instant_column("claimed_until"),
        Column("failures", SmallInteger, nullable=False, server_default=text("0")),
        Index("deliveries_free", "receiver", "claimed_until"),
    )


def _identifies(item: object) -> bool:
    return isinstance(item, PrimaryKeyConstraint | UniqueConstraint | ForeignKeyConstraint)


def _begins_with_tenant(table: str, columns: list[str]) -> None:
    if not columns or columns[0] != "tenant":
        raise ValueError(f"{table}: the key {columns} does not begin with the tenant")

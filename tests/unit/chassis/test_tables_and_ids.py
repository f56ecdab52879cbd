"""Keys begin with the tenant; ids are UUIDs of version 7 that sort by time."""

import uuid

import pytest
from sqlalchemy import Column, ForeignKeyConstraint, Index, Text, UniqueConstraint
from sqlalchemy.schema import SchemaItem

from phoenix_runtime.chassis.data.tables import service_metadata, tenant_table
from phoenix_runtime.chassis.ids import new_id


def test_the_tenant_comes_first_in_the_primary_key() -> None:
    table = tenant_table("t", service_metadata("s"), Column("id", Text, primary_key=True))
    assert [column.name for column in table.primary_key.columns] == ["tenant", "id"]


@pytest.mark.parametrize(
    "item",
    [
        UniqueConstraint("name"),
        UniqueConstraint("name", "tenant"),
        Index("t_name", "name", unique=True),
        ForeignKeyConstraint(["name"], ["s.other.name"]),
    ],
)
def test_a_key_that_does_not_begin_with_the_tenant_is_refused(item: SchemaItem) -> None:
    with pytest.raises(ValueError, match="tenant"):
        tenant_table("t", service_metadata("s"), Column("name", Text), item)


def test_ids_carry_their_prefix_and_are_version_7() -> None:
    prefix, _, rest = new_id("task").partition(".")
    parsed = uuid.UUID(rest)
    assert (prefix, parsed.version, parsed.variant) == ("task", 7, uuid.RFC_4122)


def test_ids_of_one_process_sort_in_the_order_they_were_made() -> None:
    made = [new_id("event") for _ in range(10_000)]
    assert made == sorted(set(made))

"""Every service stores in the same way: tables, repositories, one unit, raw SQL where measured."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import pytest
from sqlalchemy import BigInteger, Column, DateTime, MetaData, Table, Text

from phoenix_runtime.chassis.data.rows import TenantRows
from phoenix_runtime.chassis.data.unit import Units
from tests.contract.store_rules import (
    database_faults,
    module_faults,
    modules_of,
    naming_faults,
    repository_faults,
    sql_faults,
)

ROOT = Path(__file__).parents[2]
OTHERS: Mapping[str, Mapping[str, str]] = {
    "registry": {},
    "assignment": {
        "metrics": "counts what a unit writes",
        "due": "notes what a unit makes due, for the workers",
        "related": "notes on a task which kinds of rows it has, for several repositories",
    },
    "state": {},
    "governance": {
        "ledger_writer": "commits the events of many callers at once, in a transaction of its own",
        "ledger_deduplication": "decides which events of a batch are new",
        "ledger_rows": "maps events to rows that keep the very bytes that were hashed",
        "trust_documents": "maps projections to documents of arrays",
    },
}
"""Modules of a store that belong to no repository, and why they are there."""

each_service = pytest.mark.parametrize("service", OTHERS)


def modules(service: str) -> dict[str, ast.Module]:
    return modules_of(ROOT / f"{service}_svc" / "store")


@each_service
def test_tables_and_columns_are_named_by_one_rule(service: str) -> None:
    assert naming_faults(import_module(f"{service}_svc.store.tables").metadata) == []


@each_service
def test_a_store_is_made_of_tables_repositories_a_unit_and_claims(service: str) -> None:
    assert module_faults(modules(service), OTHERS[service]) == []
    assert OTHERS[service].keys() <= modules(service).keys(), "a reason without its module"


@each_service
def test_rows_are_read_and_written_through_the_unit_alone(service: str) -> None:
    assert database_faults(modules(service), OTHERS[service]) == []


@each_service
def test_raw_sql_stands_where_a_measurement_asks_for_it(service: str) -> None:
    assert sql_faults(modules(service)) == []


@each_service
def test_repositories_implement_the_protocols_of_the_domain(service: str) -> None:
    store = import_module(f"{service}_svc.store.unit")
    unit = getattr(store, f"{service.capitalize()}Unit")
    assert issubclass(getattr(store, f"{service.capitalize()}Units"), Units)
    assert repository_faults(unit, import_module(f"{service}_svc.domain.ports").Unit) == []


def test_the_statements_of_the_chassis_say_what_was_measured() -> None:
    for package in ("data", "delivery"):
        found = modules_of(ROOT / "phoenix_runtime" / "chassis" / package)
        raw = {name: module for name, module in found.items() if name.endswith("_sql")}
        assert sql_faults(raw) == []


def test_each_fault_of_a_name_is_found() -> None:
    metadata = MetaData()
    tenant = Column("tenant", Text, primary_key=True)
    Table("note", metadata, tenant, Column("note_id", Text, primary_key=True))
    Table(
        "tasks",
        metadata,
        Column("tenant", Text, primary_key=True),
        Column("id", Text, primary_key=True),
        Column("task_id", Text),
        Column("deadline", DateTime(timezone=True)),
        Column("read_at", BigInteger),
        Column("ended_at", DateTime),
    )
    assert [fault.partition(":")[0] for fault in naming_faults(metadata)] == [
        "note",
        "tasks.deadline",
        "tasks.read_at",
        "tasks.ended_at",
        "tasks.id",
        "tasks.task_id",
    ]


def test_each_fault_of_a_module_is_found() -> None:
    source = {
        "tables": "INDEX = text('status = 1')",
        "helpers": "def help() -> None: ...",
        "notes": "class NoteTable(TenantRows):\n    async def find(self): await driver(1)",
        "reader": "class Reader:\n    def __init__(self, database: Database) -> None: ...",
        "raw": "QUERY = 'SELECT 1'\nQUERY2 = text('x')",
        "notes_sql": '"""Statements."""\nQUERY = "SELECT 1"',
    }
    parsed = {name: ast.parse(code) for name, code in source.items()}
    assert [fault.partition(":")[0] for fault in module_faults(parsed, {"raw": "why"})] == [
        "unit",
        "helpers",
        "reader",
    ]
    assert [fault.partition(":")[0] for fault in database_faults(parsed, {})] == ["reader.Reader"]
    assert [fault.partition(" ")[0].strip(":") for fault in sql_faults(parsed)] == [
        "notes",
        "raw:1",
        "raw",
        "notes_sql",
    ]


class Notes(Protocol):
    async def add_note(self) -> None: ...

    async def find_note(self) -> None: ...


class Reading(Protocol):
    async def read(self) -> None: ...


class Unit(Notes, Reading, Protocol): ...


class NoteTable(TenantRows):
    async def add_note(self) -> None: ...

    async def remove_note(self) -> None: ...


class NoteUnit(NoteTable): ...


def test_each_difference_between_repositories_and_protocols_is_found() -> None:
    found: Any = [fault.partition(":")[0] for fault in repository_faults(NoteUnit, Unit)]
    assert found == ["NoteTable.remove_note", "Notes", "Reading", "Reading"]

"""The rules by which every service stores (CONTRIBUTING, "One way to store"), as pure functions.

Each function answers what breaks its rule, as sentences; nothing where all is well.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import DateTime, MetaData, Table, Text, UniqueConstraint

from phoenix_runtime.chassis.data.rows import TenantRows

MASS_NOUNS = {"outbox", "directive_outbox", "idempotency"}
"""Tables without a plural."""

NAMED_KEYS = {
    "deliveries": {"key", "receiver"},
    "outbox_heads": {"aggregate"},
    "idempotency": {"principal", "rpc"},
    "authorizations": {"action"},
    "denials": {"point"},
    "exclusions": {"scope"},
    "edges": {"kind", "name"},
}
"""Texts in a primary key that identify no row of a table."""

INSTANT = ("_at", "_until")
FIXED_MODULES = {"__init__", "claims", "tables", "unit"}
SQL = re.compile(r"\s*(SELECT|INSERT\s+INTO|UPDATE\s+\w|DELETE\s+FROM|WITH\s+\w+\s+AS)\b")


def singular(table: str) -> str:
    """``policies`` → ``policy``, ``tasks`` → ``task``."""
    return f"{table[:-3]}y" if table.endswith("ies") else table.removesuffix("s")


def naming_faults(metadata: MetaData) -> list[str]:
    """Tables and columns of ``metadata`` that are not named by the rules."""
    return [fault for table in metadata.sorted_tables for fault in _naming_faults(table)]


def _naming_faults(table: Table) -> Iterator[str]:
    name = table.name
    if name not in MASS_NOUNS and (not name.endswith("s") or name.endswith("ss")):
        yield f"{name}: a table is named by the plural"
    for column in table.columns:
        instant = isinstance(column.type, DateTime)
        if instant != column.name.endswith(INSTANT):
            yield f"{name}.{column.name}: an instant, and nothing else, ends in _at or _until"
        if instant and not column.type.timezone:  # type: ignore[attr-defined]
            yield f"{name}.{column.name}: an instant has a zone"
    yield from _key_faults(table)


def _key_faults(table: Table) -> Iterator[str]:
    keys = [column for column in table.primary_key if column.name != "tenant"]
    named = NAMED_KEYS.get(table.name, set())
    for column in keys:
        if not isinstance(column.type, Text) or column.name in named:
            continue
        if column.name != "hash" and not column.name.endswith(("_id", "_hash")):
            yield f"{table.name}.{column.name}: the key is called <singular>_id, or hash"
    own = f"{singular(table.name)}_id"
    if own in table.columns and own not in _identifying(table):
        yield f"{table.name}.{own}: the table's own id does not identify its rows"


def _identifying(table: Table) -> set[str]:
    """Columns that are, with the tenant alone, a key of the table."""
    keys = [table.primary_key, *(c for c in table.constraints if isinstance(c, UniqueConstraint))]
    names = [{column.name for column in key.columns} - {"tenant"} for key in keys]
    return {next(iter(found)) for found in names if len(found) == 1}


def modules_of(store: Path) -> dict[str, ast.Module]:
    """The modules of a store package, parsed; revisions are none of them."""
    return {path.stem: ast.parse(path.read_text()) for path in sorted(store.glob("*.py"))}


def module_faults(modules: Mapping[str, ast.Module], others: Mapping[str, str]) -> list[str]:
    """Modules that are neither a fixed one, nor a repository, nor in ``others`` (with a reason)."""
    missing = {"tables", "unit"} - modules.keys()
    return [f"{name}: is not there" for name in sorted(missing)] + [
        f"{name}: is neither a repository nor one of the modules of every store"
        for name, module in modules.items()
        if name not in FIXED_MODULES
        and not name.endswith(("_tables", "_sql"))
        and name not in others
        and not any(
            _inherits(found, base) for found in _classes(module) for base in _row_classes(modules)
        )
    ]


def _row_classes(modules: Mapping[str, ast.Module]) -> set[str]:
    """TenantRows, and the classes of the store that inherit it, however indirectly."""
    known = {"TenantRows"}
    classes = [found for module in modules.values() for found in _classes(module)]
    while more := {
        one.name
        for one in classes
        if one.name not in known and any(_inherits(one, base) for base in known)
    }:
        known |= more
    return known


def database_faults(modules: Mapping[str, ast.Module], others: Mapping[str, str]) -> list[str]:
    """Classes that open transactions of their own: a second kind of reader beside the unit."""
    return [
        f"{name}.{found.name}: takes a Database; rows are read and written through the unit"
        for name, module in modules.items()
        if name not in {"claims", "unit", *others}
        for found in _classes(module)
        if any(_is_named(node, "Database") for node in ast.walk(found))
    ]


def sql_faults(modules: Mapping[str, ast.Module]) -> list[str]:
    """Raw SQL outside of ``…_sql`` modules, and such modules that name no measurement."""
    faults = []
    for name, module in modules.items():
        if name.endswith("_sql"):
            if "measur" not in (ast.get_docstring(module) or ""):
                faults.append(f"{name}: its docstring does not say what was measured")
            continue
        faults += [f"{name}:{line}: SQL as a text" for line in _sql_lines(module)]
        if not name.endswith("tables") and _calls(module, "text"):
            faults.append(f"{name}: text() beside the tables' own conditions")
        if _calls(module, "driver") and not _imports_sql(module):
            faults.append(f"{name}: uses the driver without a …_sql module")
    return faults


def repository_faults(unit: type[Any], protocol: type[Any]) -> list[str]:
    """Repositories of ``unit`` that the domain's ``protocol`` does not declare, and the reverse."""
    repositories = [base for base in unit.__mro__ if _is_repository(base, unit)]
    declared = [base for base in protocol.__mro__ if _is_declared(base, protocol)]
    known = {name for base in declared for name in _public(base)}
    faults = [
        f"{base.__name__}.{name}: no Protocol of the unit declares it"
        for base in repositories
        for name in _public(base)
        if name not in known
    ]
    faults += [
        f"{base.__name__}: is not implemented by exactly one repository"
        for base in declared
        if sum(set(_public(base)) <= set(_public(one)) for one in repositories) != 1
    ]
    return faults + [
        f"{base.__name__}: a repository's Protocol is named by the plural"
        for base in declared
        if not base.__name__.endswith("s") and base.__name__ != "Queue"
    ]


def _is_repository(base: type[Any], unit: type[Any]) -> bool:
    return issubclass(base, TenantRows) and base not in {TenantRows, unit}


def _is_declared(base: type[Any], protocol: type[Any]) -> bool:
    outside = base.__module__.startswith(("typing", "builtins", "phoenix_runtime"))
    return base is not protocol and base.__name__ != "Journal" and not outside


def _public(kind: type[Any]) -> list[str]:
    found = inspect.getmembers_static(kind, inspect.isfunction)
    return [name for name, _ in found if not name.startswith("_") and name in vars(kind)]


def _classes(module: ast.Module) -> list[ast.ClassDef]:
    return [node for node in module.body if isinstance(node, ast.ClassDef)]


def _inherits(found: ast.ClassDef, base: str) -> bool:
    return any(_is_named(node, base) for node in found.bases)


def _is_named(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _calls(module: ast.Module, name: str) -> bool:
    calls = (node for node in ast.walk(module) if isinstance(node, ast.Call))
    return any(_is_named(call.func, name) for call in calls)


def _imports_sql(module: ast.Module) -> bool:
    imports = (node for node in ast.walk(module) if isinstance(node, ast.ImportFrom))
    names = [(node.module or "", alias.name) for node in imports for alias in node.names]
    return any(origin.endswith("_sql") or name.endswith("_sql") for origin, name in names)


def _sql_lines(module: ast.Module) -> list[int]:
    return [
        node.lineno
        for node in ast.walk(module)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value)
    ]

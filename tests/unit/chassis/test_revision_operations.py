"""What released revisions call never changes what it does: the statements are pinned here."""

from __future__ import annotations

from pathlib import Path

import pytest

from phoenix_runtime.chassis.data.revision_operations import (
    grant_worker,
    run_sql,
    secure_table,
    statements,
)

T = "tenant = NULLIF(current_setting('phoenix.tenant', true), '')"


class Statements:
    """Takes the place of ``alembic.op`` and of its connection; keeps what is run."""

    def __init__(self) -> None:
        self.run: list[str] = []

    def get_bind(self) -> Statements:  # type: ignore[override]
        return self

    def exec_driver_sql(self, statement: str) -> None:
        self.run.append(statement)


@pytest.fixture
def op() -> Statements:
    return Statements()


def test_a_secured_table_is_its_tenants_own(op: Statements) -> None:
    secure_table(op, "state.notes")  # type: ignore[arg-type]
    assert op.run == [
        "ALTER TABLE state.notes ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE state.notes FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY tenant ON state.notes TO phoenix_state USING ({T}) WITH CHECK ({T})",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON state.notes TO phoenix_state",
    ]


def test_rows_of_an_append_only_table_are_never_changed(op: Statements) -> None:
    secure_table(op, "state.notes", append_only=True)  # type: ignore[arg-type]
    assert op.run[-1] == "GRANT SELECT, INSERT ON state.notes TO phoenix_state"


def test_a_worker_reads_and_claims_named_columns_alone(op: Statements) -> None:
    grant_worker(op, "state.notes", ["note_id"], update=["claimed_until"], delete=True)  # type: ignore[arg-type]
    assert op.run == [
        "CREATE POLICY worker ON state.notes TO phoenix_state_worker USING (true)",
        "GRANT SELECT (tenant, note_id, claimed_until) ON state.notes TO phoenix_state_worker",
        "GRANT UPDATE (claimed_until) ON state.notes TO phoenix_state_worker",
        "GRANT DELETE ON state.notes TO phoenix_state_worker",
    ]


def test_a_table_is_named_with_its_schema(op: Statements) -> None:
    with pytest.raises(ValueError, match="name the table with its schema"):
        secure_table(op, "notes")  # type: ignore[arg-type]


def test_sql_files_are_run_statement_by_statement(op: Statements, tmp_path: Path) -> None:
    (tmp_path / "0002_names.sql").write_text(
        "-- Why.\n\nALTER TABLE a\n    RENAME TO b;\nSELECT 1;\n"
    )
    run_sql(op, str(tmp_path / "0002_names.py"), "0002_names.sql")  # type: ignore[arg-type]
    assert op.run == ["ALTER TABLE a\n    RENAME TO b", "SELECT 1"]


def test_a_semicolon_inside_a_line_ends_no_statement() -> None:
    assert statements("SELECT ';' AS a,\n  2;\n") == ["SELECT ';' AS a,\n  2"]

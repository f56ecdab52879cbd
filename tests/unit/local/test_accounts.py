"""The user that the database runs as."""

import os
from pathlib import Path

import pytest

from phoenix_runtime.local.checks import check_installation
from phoenix_runtime.local.data_folder.folder import DataFolder
from phoenix_runtime.local.postgres.accounts import NoName, database_account
from phoenix_runtime.local.postgres.server import Postgres

NAMELESS = 2_000_000_123
"""A user of no machine."""


def test_a_user_without_a_name_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: NAMELESS)
    with pytest.raises(NoName, match=rf"user {NAMELESS} has no entry .*--postgres-url"):
        database_account()


def test_a_database_of_a_user_without_a_name_is_not_begun(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = DataFolder(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: NAMELESS)
    with pytest.raises(NoName):
        Postgres(folder, 1)
    answers = {name: (found, remedy) for name, found, remedy in check_installation(folder)}
    found, remedy = answers["user"]
    assert "has no entry" in found
    assert remedy.startswith("add one")


def test_a_user_with_a_name_is_no_finding(tmp_path: Path) -> None:
    assert "user" not in {name for name, *_ in check_installation(DataFolder(tmp_path))}

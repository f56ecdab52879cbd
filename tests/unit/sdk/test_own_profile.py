"""Profiles of one identity: whose they are, where they lie, what they follow."""

import base64
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from phoenix_dma.cli import build
from phoenix_dma.cli.identity import run_profile
from phoenix_dma.own_profile import (
    can_enrol_others,
    own_profile_path,
    require_writable,
    write_own_profile,
)
from phoenix_dma.profile import Profile, read_profile

OPERATORS = {"sub": "operator", "may_enrol": ["*"]}


def token(**claims: object) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"head.{body}.signature"


def operator(folder: Path, grpc: str = "127.0.0.1:1") -> Profile:
    (folder / "operator.jwt").write_text(token(**OPERATORS))
    lines = ['tenant = "acme"', 'credential = "operator.jwt"', "[addresses]", f'grpc = "{grpc}"']
    (folder / "profile.toml").write_text("\n".join(lines))
    return read_profile(folder / "profile.toml")


def test_a_profile_of_one_identity_is_private_and_follows_the_addresses(tmp_path: Path) -> None:
    base = operator(tmp_path)
    file = own_profile_path("human.jane", base)
    assert file == tmp_path / "identities" / "acme" / "human.jane.toml"
    write_own_profile(file, token(kind="person"), base)
    modes = {stat.S_IMODE(one.stat().st_mode) for one in (file, file.with_suffix(".jwt"))}
    assert modes == {0o600}
    operator(tmp_path, grpc="127.0.0.1:2")
    found = read_profile(file)
    assert (found.grpc, found.tenant) == ("127.0.0.1:2", "acme")
    assert found.enrolment() == token(kind="person"), "never the operator's"
    assert own_profile_path("human.jane", found) == file, "the same place, from there too"


def test_another_credential_is_kept_when_the_profile_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "issuer.jwt").write_text(token(sub="issuer"))
    other = operator(tmp_path).with_credential(tmp_path / "issuer.jwt")
    assert other.read_again().enrolment() == token(sub="issuer"), "never the operator's"
    assert other.read_again().grpc == "127.0.0.1:1"


@pytest.mark.parametrize(
    ("credential", "can"),
    [
        (token(**OPERATORS), True),
        (token(sub="human.jane", kind="person"), True),
        (token(sub="agent.1", kind="participant"), False),
        (token(sub="ci", may_enrol=[]), False),
        ("no token at all", False),
    ],
)
def test_what_can_be_somebody_else_is_known(tmp_path: Path, credential: str, can: bool) -> None:  # noqa: FBT001
    file = tmp_path / "some.jwt"
    file.write_text(credential)
    assert can_enrol_others(Profile(credential=file)) is can
    assert not can_enrol_others(Profile(credential=file, token="given"))  # no secret


def test_what_run_starts_has_nothing_of_the_operators(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator(tmp_path)
    for name in run_profile.OPERATORS[1:]:
        monkeypatch.setenv(name, "the operator's")
    monkeypatch.setenv("PHOENIX_DMA_PROFILE", str(tmp_path / "profile.toml"))
    started: list[tuple[list[str], dict[str, str]]] = []

    def start(program: str, arguments: list[str], environment: dict[str, str]) -> None:
        assert program == arguments[0]
        started.append((arguments, environment))

    monkeypatch.setattr("os.execve", start)
    own = token(sub="enrolment.1", kind="participant")
    monkeypatch.setattr(run_profile, "_enrolment", lambda base, roles: own)
    run_profile.take_own_profile([])
    [(_, environment)] = started
    assert not set(run_profile.OPERATORS) & set(environment)
    found = read_profile(Path(environment["PHOENIX_DMA_PROFILE"]))
    assert found.enrolment() == own
    assert not can_enrol_others(found)
    monkeypatch.setenv("PHOENIX_DMA_PROFILE", environment["PHOENIX_DMA_PROFILE"])
    run_profile.take_own_profile([])
    assert len(started) == 1, "with a profile of its own nothing is asked"


def test_whose_profile_is_one_agents_decides_as_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = operator(tmp_path)
    for name in ("agent.payer", "human.jane"):
        write_own_profile(own_profile_path(name, base), token(sub=name), base)
    monkeypatch.setenv("PHOENIX_DMA_PROFILE", str(own_profile_path("agent.payer", base)))
    arguments = ["approvals", "approve", "approval.1", "--comment", "me", "--as", "human.jane"]
    told: Any = CliRunner().invoke(build(), arguments)
    assert told.exit_code == 2, told.output
    assert "--as: the profile in use is of agent.payer alone, who is not human.jane" in told.stderr


@pytest.mark.parametrize("name", [".", "folder", "x/folder.toml", "file/x.toml", "file/x/y.toml"])
def test_where_no_profile_can_be_written_is_known_before(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "x" / "folder.jwt").mkdir(parents=True)
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="directory"):
        require_writable(tmp_path / name)


def test_nothing_is_left_where_a_profile_can_be_written(tmp_path: Path) -> None:
    require_writable(tmp_path / "new" / "tenant" / "human.jane.toml")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="has the name of the credential"):
        require_writable(tmp_path / "human.jane.jwt")

"""`make clients` without any toolchain: which languages, which runtime, what is said."""

import asyncio
import base64
import json
import os
import socket
import sys
from asyncio.subprocess import Process
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from examples.clients import languages
from examples.clients.__main__ import built, chosen, main, order
from examples.clients.agents import settings
from examples.clients.languages import HERE, LANGUAGES, Language, UnknownLanguage, named
from examples.clients.play import document, players_of
from examples.clients.runtimes import NotUsable, Runtime, able, reachable
from phoenix_dma.declare import task
from phoenix_dma.profile import Profile
from phoenix_dma.v1 import assignment_pb2
from phoenix_runtime.local.processes.reaper import is_running
from tests.support.waiting.until import until

ELSEWHERE = Runtime(profile=Path("profile.toml"), data=None, ids_end=".7f3a", goes_on=True)


def client(name: str, *, builds: str = "", answers: str = "") -> Language:
    """A client in the Python of this test; both are programs."""
    return Language(
        name=name,
        runs=(sys.executable, "-c", answers),
        builds=((sys.executable, "-c", builds),) if builds else (),
    )


def operator(tmp_path: Path, grpc: str, **claims: object) -> Profile:
    """A profile whose credential has these claims."""
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    credential = tmp_path / "operator.jwt"
    credential.write_text(f"e30.{payload}.e30")
    return Profile(grpc=grpc, credential=credential, file=tmp_path / "profile.toml")


@pytest.fixture
def no_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without any toolchain."""
    empty = tmp_path / "bin"
    empty.mkdir()
    monkeypatch.setattr(languages, "environment", lambda: {"PATH": str(empty)})


def test_every_client_has_a_folder_and_a_language_of_its_own() -> None:
    folders = {path.name for path in HERE.iterdir() if path.is_dir()} - {"__pycache__"}
    assert {one.name for one in LANGUAGES} == folders


def test_without_names_all_languages_are_meant_and_with_names_each_once() -> None:
    assert named([]) == list(LANGUAGES)
    assert [one.name for one in named(["rust", "go", "rust"])] == ["rust", "go"]


@pytest.mark.parametrize(
    ("name", "meant"), [("cobol", ""), ("pyhton", "; did you mean 'python'?")], ids=str
)
def test_an_unknown_language_is_refused_with_those_that_there_are(name: str, meant: str) -> None:
    with pytest.raises(UnknownLanguage) as refused:
        named(["go", name])
    assert str(refused.value) == (
        f"there is no client in {name!r}{meant} (languages: python, go, java, rust, typescript)"
    )


@pytest.mark.parametrize(
    "arguments",
    [("cobol",), ("--runtime", "mine"), ("--runtime", "own", "--profile", "p.toml")],
    ids=" ".join,
)
def test_a_wrong_command_line_ends_with_2_before_anything_starts(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        order(arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: make clients")


@pytest.mark.usefixtures("no_tools")
def test_a_missing_toolchain_is_one_line_that_says_what_to_install() -> None:
    said = {one.name: one.skipped() for one in LANGUAGES}
    assert said == {
        "python": "",
        "go": "go: skipped, no go and no buf on the PATH;"
        " install Go 1.26 or newer and buf (make venv)",
        "java": "java: skipped, no java and no javac and no mvn on the PATH;"
        " install a JDK, 17 or newer and Maven 3.6 or newer",
        "rust": "rust: skipped, no cargo and no cc on the PATH;"
        " install Rust and a C compiler (cc), which links Rust's programs",
        "typescript": "typescript: skipped, no node and no npm on the PATH;"
        " install Node.js 20 or newer, with npm",
    }


@pytest.mark.usefixtures("no_tools")
def test_where_nothing_can_be_built_that_is_said_and_is_no_failure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert asyncio.run(main(["java", "--runtime", "running"])) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("java: skipped, no java")
    assert lines[1:] == ["clients: skipped, nothing that was asked for can be built here"]


def test_a_build_that_fails_is_told_and_the_others_go_on() -> None:
    broken = client("go", builds="import sys; print('no such module'); sys.exit(4)")
    wrong = client("java", answers="import sys; sys.exit('the hash differs')")
    found, failed = asyncio.run(built([broken, wrong, client("rust")]))
    assert [one.name for one in found] == ["rust"]
    assert [str(one).partition(":")[0] for one in failed] == ["go", "java"]
    assert "ended with 4\nno such module" in str(failed[0])
    assert "ended with 1\nthe hash differs" in str(failed[1])


def test_what_a_registry_brings_is_fetched_once_and_after_each_change_of_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(languages, "HERE", tmp_path)
    folder = tmp_path / "typescript"
    folder.mkdir()
    (folder / "lock").touch()
    fetch = (
        "import pathlib; pathlib.Path('fetched').touch(); pathlib.Path('log').open('a').write('x')"
    )
    one = Language(
        name="typescript",
        runs=(sys.executable, "-c", ""),
        fetches=(sys.executable, "-c", fetch),
        fetched="fetched",
        locked="lock",
    )
    asyncio.run(one.build())
    asyncio.run(one.build())
    assert (folder / "log").read_text() == "x"
    newer = (folder / "fetched").stat().st_mtime + 1
    os.utime(folder / "lock", (newer, newer))
    asyncio.run(one.build())
    assert (folder / "log").read_text() == "xx"


@dataclass
class Build:
    """A shell that starts another program, as npm and mvn do."""

    folder: Path

    @property
    def command(self) -> tuple[str, ...]:
        return ("sh", "-c", 'sleep 600 & echo $! > "$0"; wait', str(self.folder / "pid"))

    async def program(self) -> int:
        """The program that it started; 0 before it has."""
        written = self.folder / "pid"
        return int(written.read_text() or 0) if written.exists() else 0

    async def gone(self) -> bool:
        return not is_running(await self.program())


async def test_a_build_that_is_cancelled_leaves_no_process(tmp_path: Path) -> None:
    build = Build(tmp_path)
    building = asyncio.create_task(languages.run(build.command, tmp_path))
    await until(build.program)
    building.cancel()
    with pytest.raises(asyncio.CancelledError):
        await building
    await until(build.gone)


async def test_a_build_that_is_cancelled_while_it_starts_leaves_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build, go_on = Build(tmp_path), asyncio.Event()
    start = asyncio.create_subprocess_exec

    async def slow(*command: Any, **options: Any) -> Process:
        process = await start(*command, **options)
        await go_on.wait()
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", slow)
    building = asyncio.create_task(languages.run(build.command, tmp_path))
    await until(build.program)
    building.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await building
    await until(build.gone)


def test_one_language_alone_takes_over_from_itself() -> None:
    (go,) = named(["go"])
    assert [(one.name, one.participant) for one in players_of([go], ELSEWHERE)] == [
        ("go", "agent.in-go.7f3a"),
        ("go.2", "agent.in-go.2.7f3a"),
    ]
    several = players_of(named(["go", "rust"]), Runtime(profile=Path("p"), data=None))
    assert [one.participant for one in several] == ["agent.in-go", "agent.in-rust"]


def test_the_task_waits_for_each_kill_but_the_last() -> None:
    assert document(3)["input"] == {"steps": 6, "pause_after": [2, 4]}
    assert document(3)["max_losses"] == 3
    task(document(3))


def test_agents_follow_their_profile_whatever_the_environment_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [one for one in os.environ if one.startswith("PHOENIX_DMA_")]:
        monkeypatch.delenv(name)
    for name in ("PHOENIX_DMA_ADDRESS", "PHOENIX_DMA_TOKEN", "PHOENIX_DMA_DATA"):
        monkeypatch.setenv(name, "of the user's own runtime")
    own = settings(Path("own.toml"))
    assert {name: own[name] for name in own if name.startswith("PHOENIX_DMA_")} == {
        "PHOENIX_DMA_PROFILE": "own.toml"
    }


async def test_without_a_runtime_that_runs_an_own_one_is_started_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "profile.toml"
    monkeypatch.setenv("PHOENIX_DMA_PROFILE", str(missing))
    assert await chosen(order([])) is None
    assert await chosen(order(["--runtime", "own"])) is None
    assert capsys.readouterr().out.splitlines() == [
        f"runtime: one of its own; there is no profile {missing}",
        "runtime: one of its own, as asked for",
    ]


@pytest.mark.parametrize("by", [("--runtime", "running"), ("--profile",)], ids=" ".join)
async def test_a_runtime_that_was_asked_for_has_to_be_there(
    by: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    missing = tmp_path / "profile.toml"
    monkeypatch.setenv("PHOENIX_DMA_PROFILE", str(missing))
    asked = order([*by, str(missing)] if by == ("--profile",) else by)
    with pytest.raises(NotUsable, match="there is no profile"):
        await chosen(asked)


def test_a_runtime_is_used_where_it_listens_here_and_lets_enrol(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        here = f"127.0.0.1:{server.getsockname()[1]}"
        assert reachable(operator(tmp_path, here, may_enrol=True)) == here
        with pytest.raises(NotUsable, match="is no operator's"):
            reachable(operator(tmp_path, here, kind="participant"))
    with pytest.raises(NotUsable, match=f"nothing listens at {here}"):
        reachable(operator(tmp_path, here, may_enrol=True))
    for elsewhere in ("phoenix.example.com:50050", "https://127.0.0.1:50050"):
        with pytest.raises(NotUsable, match="have no TLS"):
            reachable(operator(tmp_path, elsewhere, may_enrol=True))


def test_somebody_who_could_take_the_task_is_found_also_while_it_is_busy() -> None:
    alternative = assignment_pb2.Alternative
    answer = assignment_pb2.ExplainAssignmentResponse(
        participant_id="agent.a",
        alternatives=[
            alternative(participant_id="agent.b", failed="score"),
            alternative(participant_id="agent.c", failed="capacity"),
            alternative(participant_id="agent.d", failed="capability_match"),
        ],
    )
    assert able(answer) == ["agent.a", "agent.b", "agent.c"]
    answer.participant_id = ""
    assert able(answer) == ["agent.b", "agent.c"]
    assert able(assignment_pb2.ExplainAssignmentResponse()) == []

"""What is started, or answers, in place of a policy engine is told from one that is late."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from governance_svc.adapters.bundle_folder import shipped_bundle
from governance_svc.adapters.policy_engines import child_session
from governance_svc.adapters.policy_engines.child_session import EngineLimits
from governance_svc.adapters.policy_engines.embedded_engine import CRASHES, EmbeddedEngine
from governance_svc.adapters.policy_engines.opa_rest import OpaRest
from governance_svc.adapters.policy_engines.opa_session import OpaAddress
from phoenix_runtime.core.errors import PolicyEngineUnavailable
from tests.support.servers.opa import Answering, http
from tests.support.waiting.until import PATIENCE

READ = "import sys; sys.stdin.buffer.read(9)\n"
PROGRAMS = {
    "ends at once": ("", "ended with code 0"),
    "ends with a code": ("raise SystemExit(3)", "ended with code 3"),
    "lacks its library": ("import no_such_library", "ended with code 1"),
    "ends when it is asked": (READ, "ended with code 0"),
    "says something else": (READ + "print('hello, world'); sys.stdout.flush()", "else"),
    "says JSON": (READ + r"sys.stdout.buffer.write(b'\0\0\0\4true'); sys.stdout.flush()", "else"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a program stands that is run as the engine's own process."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(child_session, "CHILD", "engine_of_a_test")
    return tmp_path


async def failure(engine: EmbeddedEngine | OpaRest) -> PolicyEngineUnavailable:
    with pytest.raises(PolicyEngineUnavailable) as failed:
        await engine.load(shipped_bundle())
    return failed.value


def embedded() -> EmbeddedEngine:
    return EmbeddedEngine(EngineLimits(loading=PATIENCE, queue=PATIENCE))


@pytest.mark.parametrize("kind", PROGRAMS)
async def test_a_program_that_is_no_engine_is_certainly_none(folder: Path, kind: str) -> None:
    program, said = PROGRAMS[kind]
    (folder / "engine_of_a_test.py").write_text(program)
    failed = await failure(embedded())
    assert said in failed.text
    assert failed.lasting
    assert failed.facts == {"lasting": "true"}
    assert "wait" in failed.remedy


async def test_a_program_that_is_not_there_is_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_session.sys, "executable", "/no/such/python")
    failed = await failure(embedded())
    assert failed.lasting
    assert "No such file" in failed.text


LACKS_MEMORY = """
import resource
from governance_svc.adapters.policy_engines import engine_child
used = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmSize"))
resource.setrlimit(resource.RLIMIT_AS, ((used + 24_000) * 1024,) * 2)
engine_child.main()
"""
GAVE_UP = "import sys; sys.stderr.write('fatal error: out of memory'); raise SystemExit(2)"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("program", [LACKS_MEMORY, GAVE_UP], ids=["to load it", "to run it"])
async def test_an_engine_that_has_no_memory_to_start_is_no_missing_engine(
    folder: Path, program: str
) -> None:
    (folder / "engine_of_a_test.py").write_text(program)
    engine = embedded()
    found = [await failure(engine) for _ in range(CRASHES)]
    assert [one.lasting for one in found] == [False] * (CRASHES - 1) + [True]
    assert all("memory" in one.text for one in found)


async def test_a_signal_at_its_start_may_pass_but_not_again_and_again(folder: Path) -> None:
    (folder / "engine_of_a_test.py").write_text("import os; os.kill(os.getpid(), 9)")
    engine = embedded()
    found = [await failure(engine) for _ in range(CRASHES)]
    assert [one.lasting for one in found] == [False] * (CRASHES - 1) + [True]
    assert found[-1].text.endswith(f"signal 9 at its start, {CRASHES} times in a row")


ANSWERS = {
    "a page": (http("200 OK", b"<html>"), True),
    "not found": (http("404 Not Found", b"{}"), True),
    "no token": (http("401 Unauthorized", b"{}"), True),
    "something else": (http("200 OK", b'{"result": true}'), True),
    "a list": (http("200 OK", b"[]"), True),
    "nothing": (http("204 No Content", b""), True),
    "too much": (http("429 Too Many Requests", b"{}"), False),
    "a proxy without a server": (http("503 Service Unavailable", b"<html>"), False),
}


@pytest.mark.parametrize("kind", ANSWERS)
async def test_a_server_that_is_no_opa_is_told_from_one_that_is_away(kind: str) -> None:
    answer, lasting = ANSWERS[kind]
    async with Answering(answer) as server:
        engine = OpaRest(
            OpaAddress(server.url, connect=PATIENCE, answer=PATIENCE, loading=PATIENCE)
        )
        assert (await failure(engine)).lasting is lasting
        await engine.close()


async def test_a_server_that_is_away_is_waited_for() -> None:
    engine = OpaRest(OpaAddress("http://127.0.0.1:9", connect=PATIENCE))
    assert not (await failure(engine)).lasting
    await engine.close()

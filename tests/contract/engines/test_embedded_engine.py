"""The embedded engine's process: what it may see, how it dies, that it never outlives anybody."""

import asyncio
import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from governance_svc.adapters.policy_engines.child_session import ChildSession, EngineLimits
from governance_svc.adapters.policy_engines.embedded_engine import EmbeddedEngine
from governance_svc.adapters.policy_engines.policy_session import RegoError
from governance_svc.domain.policy.bundle import BundleRefused
from phoenix_runtime.core.errors import PolicyEngineUnavailable
from phoenix_runtime.core.json import Json
from phoenix_runtime.core.verdict import DecisionPoint
from tests.support.builders.bundles import small_bundle
from tests.support.processes.breakable_runtime import stalled
from tests.support.waiting.until import PATIENCE

YES = {"allow": True, "name": "x"}
SLOW = {"mischief": "endless"}

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc and waits on pidfds")


@pytest_asyncio.fixture
async def embedded_engine() -> AsyncIterator[EmbeddedEngine]:
    # No request gives up in the queue: how long a replacement takes depends on the machine.
    limits = EngineLimits(evaluation=5.0, loading=PATIENCE, queue=PATIENCE, max_queued=8)
    embedded_engine = EmbeddedEngine(limits)
    await embedded_engine.load(small_bundle())
    yield embedded_engine
    await embedded_engine.close()


async def allows(embedded_engine: EmbeddedEngine) -> bool:
    answer = (await embedded_engine.evaluate(DecisionPoint.RETIRE, [YES])).answer
    return isinstance(answer, list) and answer[0]["effect"] == "allow"


async def test_a_killed_engine_is_replaced_for_the_next_decision(
    embedded_engine: EmbeddedEngine,
) -> None:
    killed = embedded_engine.pid
    os.kill(killed, signal.SIGKILL)
    # Whether this question meets the dying process or its successor is a race; either way it is
    # answered truly or refused.
    with contextlib.suppress(PolicyEngineUnavailable):
        assert await allows(embedded_engine)
    assert await allows(embedded_engine)
    assert embedded_engine.pid not in {0, killed}


@pytest.fixture
def deadlines(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The deadline of each question to an engine's process, in order."""
    asked: list[float] = []
    document = ChildSession.document

    async def recorded(session: ChildSession, path: str, value: Json) -> Json:
        asked.append(session.deadline)
        return await document(session, path, value)

    monkeypatch.setattr(ChildSession, "document", recorded)
    return asked


async def test_a_new_engine_compiles_before_it_decides_under_the_deadline_of_loading(
    embedded_engine: EmbeddedEngine, deadlines: list[float]
) -> None:
    with contextlib.suppress(PolicyEngineUnavailable):
        os.kill(embedded_engine.pid, signal.SIGKILL)
        await allows(embedded_engine)
    assert await allows(embedded_engine)
    first = next(index for index, deadline in enumerate(deadlines) if deadline == PATIENCE)
    assert deadlines[first:] == [PATIENCE, *[5.0] * (len(deadlines) - first - 1)]


async def test_the_first_bundle_is_waited_for_as_long_as_a_start_may_take(
    deadlines: list[float],
) -> None:
    starting, loading = 2 * PATIENCE, PATIENCE
    engine = EmbeddedEngine(EngineLimits(PATIENCE, loading, queue=PATIENCE, starting=starting))
    for expected in (starting, loading):
        deadlines.clear()
        await engine.load(small_bundle())
        assert set(deadlines) == {expected}
    await engine.close()


async def test_a_question_over_which_the_engine_dies_is_refused(
    embedded_engine: EmbeddedEngine,
) -> None:
    asked = asyncio.ensure_future(embedded_engine.evaluate(DecisionPoint.RETIRE, [SLOW]))
    await asyncio.sleep(0)
    os.kill(embedded_engine.pid, signal.SIGKILL)
    with pytest.raises(PolicyEngineUnavailable):
        await asked
    assert await allows(embedded_engine)


async def test_an_engine_that_stands_still_is_cut_off(embedded_engine: EmbeddedEngine) -> None:
    os.kill(embedded_engine.pid, signal.SIGSTOP)
    with pytest.raises(PolicyEngineUnavailable):
        await embedded_engine.evaluate(DecisionPoint.RETIRE, [YES])
    assert await allows(embedded_engine)


async def test_questions_wait_in_a_bounded_queue(embedded_engine: EmbeddedEngine) -> None:
    endless = asyncio.ensure_future(embedded_engine.evaluate(DecisionPoint.RETIRE, [SLOW]))
    await asyncio.sleep(0)
    asked = [asyncio.ensure_future(allows(embedded_engine)) for _ in range(12)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, PolicyEngineUnavailable)]
    assert len(refused) == 4
    assert sum(answer is True for answer in answers) == 8
    with pytest.raises(PolicyEngineUnavailable):
        await endless


async def test_a_closed_engine_decides_nothing_and_leaves_no_process(
    embedded_engine: EmbeddedEngine,
) -> None:
    child = embedded_engine.pid
    await embedded_engine.close()
    assert embedded_engine.pid == 0
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
    with pytest.raises(PolicyEngineUnavailable):
        await embedded_engine.evaluate(DecisionPoint.RETIRE, [YES])


async def test_a_caller_that_gives_up_costs_no_engine(embedded_engine: EmbeddedEngine) -> None:
    serving = embedded_engine.pid
    with stalled(serving):  # or it might have answered by then
        asked = asyncio.ensure_future(embedded_engine.evaluate(DecisionPoint.RETIRE, [YES] * 200))
        for _ in range(20):  # until it has gone into the pipe
            await asyncio.sleep(0)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
    assert await allows(embedded_engine)
    assert embedded_engine.pid == serving


async def test_what_is_undefined_is_none_and_what_fails_is_a_fault() -> None:
    session = await ChildSession.start(EngineLimits(loading=PATIENCE))
    await session.put_modules({"x.rego": "package x\n\nbroken := 1 / 0"})
    assert await session.document("x.nothing", {}) is None
    with pytest.raises(RegoError, match="divide by zero"):
        await session.document("x.broken", {})
    await session.kill()


async def test_a_number_of_any_size_and_any_text_reach_the_engine_as_they_are() -> None:
    session = await ChildSession.start(EngineLimits(loading=PATIENCE))
    await session.put_modules({"x.rego": "package x\n\nsame := input == data.told"})
    told: Json = {"large": 10**30, "nul": "a\0b", "beyond": "\U0001f600", "null": None, "half": 0.5}
    await session.put_data("told", told)
    assert await session.document("x.same", told) is True
    with pytest.raises(RegoError):
        await session.document("x.same", {"half": "\ud800"})
    for source in ("package x\n\n# \ud800", "package x\n\n# \0"):
        with pytest.raises(RegoError):
            await session.put_modules({"y.rego": source})
    await session.kill()


@linux
async def test_a_refused_bundle_leaves_no_process_behind(embedded_engine: EmbeddedEngine) -> None:
    before = children()
    with pytest.raises(BundleRefused):
        await embedded_engine.load(small_bundle(decide_test=None))
    assert children() == before == {embedded_engine.pid}


def children() -> set[int]:
    """The process ids of this process's children that are policy engines."""
    listed = " ".join(p.read_text() for p in Path("/proc/self/task").glob("*/children"))
    names = {int(pid): Path(f"/proc/{pid}/cmdline").read_bytes() for pid in listed.split()}
    return {pid for pid, command in names.items() if b"engine_child" in command}


@linux
async def test_the_engine_gets_none_of_the_services_secrets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PHOENIX_DMA_SECRET", "hush")
    embedded_engine = EmbeddedEngine(EngineLimits(loading=PATIENCE))
    await embedded_engine.load(small_bundle())
    environment = Path(f"/proc/{embedded_engine.pid}/environ").read_bytes()  # noqa: ASYNC240 - no disk
    await embedded_engine.close()
    assert b"PATH=" in environment
    assert b"hush" not in environment


PARENT = """
import asyncio
from governance_svc.adapters.policy_engines.embedded_engine import EmbeddedEngine
from governance_svc.adapters.policy_engines.child_session import EngineLimits
from phoenix_runtime.core.verdict import DecisionPoint
from tests.support.builders.bundles import small_bundle

async def main():
    engine = EmbeddedEngine(EngineLimits(evaluation=600.0))
    await engine.load(small_bundle())
    endless = [{"mischief": "endless"}]
    question = asyncio.ensure_future(engine.evaluate(DecisionPoint.RETIRE, endless))
    for _ in range(100):  # until it has gone into the pipe, where the end comes after it
        await asyncio.sleep(0)
    print(engine.pid, flush=True)
    await question

asyncio.run(main())
"""


@linux
def test_an_engine_dies_with_its_parent_in_the_middle_of_a_rule_without_end() -> None:
    root = Path(__file__).parents[3]
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, cwd=root, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        pidfd = os.pidfd_open(child)
        parent.kill()
    ended, _, _ = select.select([pidfd], [], [], 10)
    os.close(pidfd)
    assert ended

"""A service dies by SIGKILL in the middle of what it was asked; nothing is lost, twice or stuck.

Every case of `crash_windows` asks one thing and loses the answer in one window after the other;
after each the service is started again, and whoever asked repeats the same request. In the end
there is one effect, one audit event of each kind, one answer, and the story goes on to its end;
`assert_invariants` then reads tables and audit of the tenant.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from phoenix_dma.errors import PhoenixError, PolicyEngineUnavailable, Unavailable
from phoenix_runtime.chassis.failpoints import POINTS
from phoenix_runtime.local.processes.supervisor import ProgramDied
from tests.e2e.conftest import logged_errors
from tests.e2e.scenarios.assertions import REFUSALS, RPCS, assert_invariants
from tests.e2e.scenarios.intervals import INTERVALS, PATIENCE
from tests.e2e.scenarios.unhurried import UnhurriedScenario
from tests.robustness.crash_windows.cases_effects import EFFECTS
from tests.robustness.crash_windows.cases_handoffs import HANDOFFS
from tests.robustness.crash_windows.cases_identities import IDENTITIES
from tests.robustness.crash_windows.cases_participants import PARTICIPANTS
from tests.robustness.crash_windows.cases_policies import POLICIES
from tests.robustness.crash_windows.cases_questions import QUESTIONS
from tests.robustness.crash_windows.cases_tasks import PLACES, TASKS
from tests.robustness.crash_windows.crashes import Crashes
from tests.robustness.crash_windows.windows import CrashCase, Operation, Window
from tests.support.processes.breakable_runtime import breakable_runtime
from tests.support.waiting.until import until

UNHURRIED = {"PHOENIX_DMA_OFFER_TIMEOUT": "120", "PHOENIX_DMA_RESUME_TIMEOUT": "120"}
"""What may not run out while a service is being started."""
KNOWN = {"PHOENIX_DMA_REFERENCES": PLACES, "PHOENIX_DMA_CLAIM": "1"}
NOTICE = 0.2
"""Seconds between the death of a service and word of it."""
UNAUDITED = {"SendDirectives", "AppendAuditEvents"}
"""What they bring was audited where it was decided."""
BEATS = {"KeepAlive", "Heartbeat"}
"""A beat lands in memory; what it changes is written by the loop registry_health."""
CASES = [
    replace(case, tenant=f"tenant.{case.id}")
    for case in sorted(
        (*PARTICIPANTS, *IDENTITIES, *TASKS, *EFFECTS, *HANDOFFS, *QUESTIONS, *POLICIES),
        key=lambda one: one.part,
    )
]
SHORT = {
    "assignment-losing-the-last-owner",
    "assignment-retiring",
    "assignment-telling-the-target",
    "governance-deciding",
    "registry-expiring",
    "registry-relaying-ledger",
    "state-checkpointing",
}
"""Every point and every service at least once."""


def parameters() -> Iterator[Any]:
    """Each case by its id; most are of the long form."""
    for case in CASES:
        marks = () if case.id in SHORT else pytest.mark.long
        yield pytest.param(case, marks=marks, id=case.id)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def crashes() -> AsyncIterator[Crashes]:
    async with breakable_runtime({**INTERVALS, **UNHURRIED, **KNOWN}) as runtime:
        yield Crashes(runtime, CASES)
        assert not list(logged_errors(runtime)), "no crash is a service's own error"


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("case", list(parameters()))
async def test_one_effect_one_event_and_one_answer_however_often_it_dies(
    crashes: Crashes, case: CrashCase
) -> None:
    if not case.late:
        await crashes.arm(case)
    try:
        async with UnhurriedScenario(crashes.runtime, case.tenant) as scenario:
            operation = await case.prepare(scenario)
            if case.late:
                await crashes.arm(case)
            for window in case.windows:
                await lose(crashes, case, operation, window)
                await crashes.died(case, window)
            answer = await operation.again()
            if operation.remembered:
                assert told(await operation.again()) == told(answer)
            await operation.finish(answer)
            found = {kind: len(await scenario.events(kind)) for kind in operation.events}
            assert found == operation.events
            await assert_invariants(scenario)
    finally:
        await crashes.leave(case)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_service_with_failpoints_does_not_start_outside_of_debugging(
    crashes: Crashes,
) -> None:
    runtime = crashes.runtime
    await runtime.kill("state")
    with pytest.raises(ProgramDied, match="PHOENIX_DMA_DEBUG=true"):
        await runtime.revive("state", {"PHOENIX_DMA_FAILPOINTS": "rpc.before_reply=kill"})
    assert await runtime.died("state", PATIENCE) == 1
    await crashes.revive("state")


def test_every_point_and_every_rpc_that_changes_something_has_its_windows() -> None:
    windows = [window for case in CASES for window in case.windows]
    words = {word for window in windows for word in window.words}
    changing = {rpc.method for rpc in RPCS.values() if set(rpc.audit_events) - REFUSALS}
    assert {window.point for window in windows} == set(POINTS)
    short = [window for case in CASES if case.id in SHORT for window in case.windows]
    assert {window.point for window in short} == set(POINTS)
    assert changing | UNAUDITED <= words | BEATS


async def lose(crashes: Crashes, case: CrashCase, operation: Operation, window: Window) -> None:
    """Call, and lose the answer; a service that dies on its own time may have answered.

    A refusal because the restarted service was not found yet is no loss: nothing was begun.
    """
    if window.quiet:
        return

    async def asked() -> bool:
        try:
            answer = await operation.act()
        except (Unavailable, PolicyEngineUnavailable):
            # Asking the dead once more would wait in vain for them to come back.
            return await crashes.runtime.dies(case.part, NOTICE)
        assert not window.told, f"{window}: whoever asked was answered, {answer}"
        return True

    await until(asked, PATIENCE)


def told(answer: Any) -> object:
    """The comparable form of an answer."""
    return str(answer) if isinstance(answer, PhoenixError) else answer

"""Injects the faults of a plan into a runtime of its own, and checks what is left."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from typing import Final

from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.core.validate import Evidence, validate
from tests.e2e.scenarios.intervals import INTERVALS, PATIENCE
from tests.e2e.scenarios.scenario import Scenario
from tests.robustness.chaos.faults import FAULTS
from tests.robustness.chaos.history import Acknowledged, History
from tests.robustness.chaos.plan import Injection
from tests.robustness.chaos.traffic import Traffic
from tests.support.processes.breakable_runtime import BreakableRuntime, breakable_runtime

TENANTS: Final = 3


RuntimeWith = Callable[[Mapping[str, str]], AbstractAsyncContextManager[BreakableRuntime]]
"""Makes the context of a runtime whose services have the given environment."""


@dataclass(slots=True)
class Injected:
    """One fault as it went: ``went_on`` seconds from its beginning until every tenant had work
    acknowledged that was done after it was over.
    """

    fault: str
    begun: float
    over: float = 0.0
    went_on: float | None = None


@dataclass(slots=True)
class Outcome:
    """The result of a plan; it holds where nothing is lost, stuck or found by `validate`."""

    injected: list[Injected] = field(default_factory=list)
    acknowledged: list[Acknowledged] = field(default_factory=list)
    lost: list[Acknowledged] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether work went on after each fault and nothing is lost, stuck or wrong."""
        went_on = all(one.went_on is not None for one in self.injected)
        return went_on and not (self.lost or self.stuck or self.findings)


async def play(
    plan: Sequence[Injection],
    history: History,
    seed: int,
    *,
    seconds: float = float("inf"),
    runtime_with: RuntimeWith = breakable_runtime,
) -> Outcome:
    """Begin the traffic, inject what is planned, let everything come to its end, and judge.

    After ``seconds`` nothing more is injected.
    """
    async with runtime_with(INTERVALS) as runtime, AsyncExitStack() as stack:
        chance = random.Random(seed)  # noqa: S311  # it has to be repeatable, not secret
        traffics = [_traffic(runtime, history, chance.getrandbits(32)) for _ in range(TENANTS)]
        for traffic in traffics:
            stack.push_async_callback(traffic.end)
            await traffic.begin()
        outcome = Outcome()
        await _went_on(history, traffics, history.now)
        for injection in plan:
            if history.now > seconds:
                break
            await asyncio.sleep(injection.after)
            outcome.injected.append(await _inject(injection, runtime, traffics, history))
        for stuck in await asyncio.gather(*(traffic.settle(PATIENCE) for traffic in traffics)):
            outcome.stuck += stuck
        outcome.acknowledged = history.acknowledged
        for traffic in traffics:
            await _judge(traffic.scenario, outcome)
    return outcome


def _traffic(runtime: BreakableRuntime, history: History, seed: int) -> Traffic:
    return Traffic(Scenario(runtime, new_id("tenant")), history, seed)


async def _inject(
    injection: Injection, runtime: BreakableRuntime, traffics: Sequence[Traffic], history: History
) -> Injected:
    injected = Injected(injection.fault, history.now)
    history.note("fault", name=injection.fault)
    await FAULTS[injection.fault](runtime, traffics)
    injected.over = history.now
    history.note("fault is over", name=injection.fault)
    went_on = await _went_on(history, traffics, injected.over)
    injected.went_on = went_on - injected.begun if went_on else None
    history.note("work goes on", after=injected.went_on)
    return injected


async def _went_on(history: History, traffics: Sequence[Traffic], since: float) -> float | None:
    """When every tenant had a checkpoint acknowledged that was made after ``since``."""
    tenants = {traffic.scenario.tenant for traffic in traffics}
    while history.now - since < PATIENCE:
        working: dict[str, float] = {}
        for one in history.since(since, history.now):
            if one.what == "checkpointed":
                working.setdefault(one.tenant, one.at)
        if working.keys() == tenants:
            return max(working.values())
        await asyncio.sleep(0.02)
    return None


async def _judge(scenario: Scenario, outcome: Outcome) -> None:
    """Tables and audit of a tenant, and everything that was acknowledged there."""
    # Before the look: a task whose submission nobody heard of may still be worked on.
    mine = [one for one in outcome.acknowledged if one.tenant == scenario.tenant]
    evidence = await scenario.evidence()
    outcome.findings += [f"{scenario.tenant} {finding}" for finding in validate(evidence)]
    outcome.lost += [one for one in mine if not is_kept(one, evidence)]


def is_kept(one: Acknowledged, evidence: Evidence) -> bool:
    """Whether what was acknowledged is in the tables."""
    if one.what == "checkpointed":
        return any(
            (pointer.task_id, pointer.version, pointer.hash) == (one.task, one.version, one.hash)
            for pointer in evidence.pointers
        )
    status = {task.task_id: task.status for task in evidence.tasks}.get(one.task)
    return status == "succeeded" if one.what == "succeeded" else status is not None

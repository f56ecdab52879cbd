"""What a question to the policy engine costs, beside an engine that answers a constant.

Every candidate is another one, so nothing is answered twice; only ratios inside one run are to be
trusted. CPU is that of the engine's process. ``--bundle FOLDER`` compares the shipped bundle with
another one.
"""

import statistics
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

from governance_svc.adapters.bundle_folder import read_bundle, shipped_bundle
from governance_svc.adapters.policy_engines.embedded_engine import EmbeddedEngine
from governance_svc.domain.policy.bundle import PolicyBundle, make_bundle
from phoenix_runtime.core.json import Json, JsonObject
from phoenix_runtime.core.verdict import DecisionPoint
from tests.benchmarks.frame.figures import Bar, Family, Figure, Peer, Run, at_most
from tests.benchmarks.frame.processes import processor_ms

CONSTANT = """package phoenix

decide := [{"effect": "deny", "policy": "phoenix", "reasons": []} | some one in input.inputs]
"""

CONSTANT_RULE: Final = "a constant rule"

CALLER: JsonObject = {"subject": "sam", "participant": "", "owner": "", "roles": ["submitter"]}

REQUIRED: Final = ("duplicate_detection", "customer_validation")

TASK: JsonObject = {
    "task_id": "task.customer-merge-review.8841",
    "required_capabilities": list(REQUIRED),
    "data_domains": ["customer_master"],
    "risk_level": "medium",
    "policy_constraints": ["human_approval_required_for_merge"],
    "submitter": "sam",
}


@dataclass(frozen=True, slots=True)
class Case:
    """One question, asked again and again."""

    name: str
    point: DecisionPoint
    inputs: Sequence[JsonObject]
    bars: tuple[Bar, ...] = ()


@dataclass(frozen=True, slots=True)
class Figures:
    """Milliseconds of one question: the median on the clock, the mean of the engine's CPU."""

    clock: float
    cpu: float


def cases() -> list[Case]:
    """Discovery with few and many candidates, fit and unfit; one assignment; one operation.

    Candidates have the same grants, as those of a fleet do, but for one case.
    """
    discover = DecisionPoint.DISCOVER
    fit = [_discovery(number) for number in range(100)]
    unfit = [_discovery(number, capabilities=["policy_check"]) for number in range(64)]
    apart = [_discovery(number, capabilities=[*REQUIRED, f"of_{number}"]) for number in range(64)]
    return [
        Case("participant.discover, 1 candidate", discover, fit[:1], at_most(0.3)),
        Case("participant.discover, 64 candidates", discover, fit[:64], at_most(2)),
        Case("participant.discover, 100 candidates", discover, fit),
        Case("participant.discover, 64 with grants of their own", discover, apart),
        Case("participant.discover, 64 refused", discover, unfit, at_most(2)),
        Case("task.assign", DecisionPoint.ASSIGN, [_assignment()], at_most(0.4)),
        Case("data.operate", DecisionPoint.OPERATE, [_operation()]),
    ]


def _discovery(number: int, **changes: Json) -> JsonObject:
    return {
        "caller": CALLER,
        "candidate": {**_steward(number), **changes},
        "requirement": TASK,
        "trust": _trust(number),
    }


def _assignment() -> JsonObject:
    return {
        "caller": CALLER,
        "candidate": _steward(1),
        "task": TASK,
        "trust": _trust(1),
        "approvals": [],
    }


def _operation() -> JsonObject:
    return {
        "caller": CALLER,
        "task": TASK,
        "assignee": _steward(1),
        "kind": "data_read",
        "name": "select",
        "domain": "customer_master",
        "approvals": [],
    }


def _steward(number: int) -> dict[str, Json]:
    return {
        "id": f"agent.customer-steward.{number:03}",
        "type": "agent",
        "owner": "data-governance",
        "status": "active",
        "capabilities": ["customer_validation", "duplicate_detection", "policy_check"],
        "data_domains": ["customer", "customer_contact", "customer_master"],
        "permissions": ["read_customer_master", "suggest_merge"],
        "trust_policy": "enterprise-standard",
    }


def _trust(number: int) -> JsonObject:
    total = round(0.5775 + number / 10_000, 4)  # everybody's is another one
    certified: JsonObject = {"total": total, "certified": False}
    return {"general": total, "by_capability": dict.fromkeys(REQUIRED, certified)}


async def asked(engine: EmbeddedEngine, case: Case, seconds: float) -> Figures:
    """Ask for about ``seconds``."""
    await engine.evaluate(case.point, case.inputs)  # the first one compiles
    lengths: list[float] = []
    before = processor_ms([engine.pid])
    begun = time.perf_counter()
    while time.perf_counter() - begun < seconds:
        began = time.perf_counter()
        await engine.evaluate(case.point, case.inputs)
        lengths.append(time.perf_counter() - began)
    cpu = processor_ms([engine.pid]) - before
    return Figures(statistics.median(lengths) * 1000, cpu / len(lengths))


def constant() -> PolicyBundle:
    """A bundle that costs no more than being asked."""
    always = "package phoenix.constant_test\n\ntest_nothing if true\n"
    modules = {"decide.rego": CONSTANT, "constant_test.rego": always}
    return make_bundle(modules, shipped_bundle().data)


async def measure(run: Run) -> AsyncIterator[Figure]:
    """Each case for each bundle, one after the other."""
    bundles = {CONSTANT_RULE: constant(), "shipped": shipped_bundle()}
    if run.bundle is not None:
        bundles[str(run.bundle)] = read_bundle(run.bundle)
    engines = {name: EmbeddedEngine() for name in bundles}
    try:
        for name, engine in engines.items():
            await engine.load(bundles[name], tested=True)
        for case in cases():
            run.say(f"policy: {case.name}")
            found = {name: await asked(one, case, run.seconds / 5) for name, one in engines.items()}
            for name in bundles:
                if name != CONSTANT_RULE:
                    for figure in figures(case, name, found):
                        yield figure
    finally:
        for engine in engines.values():
            await engine.close()


def figures(case: Case, bundle: str, found: dict[str, Figures]) -> list[Figure]:
    """The clock and the engine's processor, beside a rule that is a constant."""
    what = case.name if bundle == "shipped" else f"{case.name}, {bundle}"
    ours, constant_rule = found[bundle], found[CONSTANT_RULE]
    clock, cpu = (Peer(CONSTANT_RULE, one) for one in (constant_rule.clock, constant_rule.cpu))
    return [
        Figure(what=what, value=ours.clock, unit="ms p50", bars=case.bars, peer=clock),
        Figure(what=what, value=ours.cpu, unit="ms of a processor, engine", peer=cpu, steady=True),
    ]


FAMILY = Family(name="policy", asks="What does a policy decision cost?", measure=measure)

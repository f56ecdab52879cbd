"""What a question to the policy engine costs, beside an engine that answers a constant.

Run with ``python -m tests.benchmarks.policy``. Every candidate is another one, so nothing is
answered twice; only ratios inside one run are to be trusted. CPU is that of the engine's process.
"""

import argparse
import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import uvloop

from governance_svc.adapters.bundle_folder import read_bundle, shipped_bundle
from governance_svc.adapters.policy_engines.embedded_engine import EmbeddedEngine
from governance_svc.domain.policy.bundle import PolicyBundle, make_bundle
from phoenix_runtime.core.json import Json, JsonObject
from phoenix_runtime.core.verdict import DecisionPoint

CONSTANT = """package phoenix

decide := [{"effect": "deny", "policy": "phoenix", "reasons": []} | some one in input.inputs]
"""

CALLER: JsonObject = {"subject": "sam", "participant": "", "owner": "", "roles": ["submitter"]}

TASK: JsonObject = {
    "task_id": "task.customer-merge-review.8841",
    "required_capabilities": ["duplicate_detection", "customer_validation"],
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


@dataclass(frozen=True, slots=True)
class Figures:
    """Milliseconds of one question: the median on the clock, the mean of the engine's CPU."""

    clock: float
    cpu: float


def cases() -> list[Case]:
    """Discovery with few and many candidates, fit and unfit; one assignment; one operation."""
    discover = DecisionPoint.DISCOVER
    fit = [_discovery(number) for number in range(100)]
    unfit = [_discovery(number, capabilities=["policy_check"]) for number in range(64)]
    return [
        Case("participant.discover, 1 candidate", discover, fit[:1]),
        Case("participant.discover, 64 candidates", discover, fit[:64]),
        Case("participant.discover, 100 candidates", discover, fit),
        Case("participant.discover, 64 refused", discover, unfit),
        Case("task.assign", DecisionPoint.ASSIGN, [_assignment()]),
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
    names = ("duplicate_detection", "customer_validation")
    return {"general": total, "by_capability": dict.fromkeys(names, certified)}


async def measure(engine: EmbeddedEngine, case: Case, seconds: float) -> Figures:
    """Ask for about ``seconds``."""
    await engine.evaluate(case.point, case.inputs)  # the first one compiles
    lengths: list[float] = []
    before = cpu_seconds(engine.pid)
    begun = time.perf_counter()
    while time.perf_counter() - begun < seconds:
        asked = time.perf_counter()
        await engine.evaluate(case.point, case.inputs)
        lengths.append(time.perf_counter() - asked)
    cpu = cpu_seconds(engine.pid) - before
    return Figures(statistics.median(lengths) * 1000, cpu / len(lengths) * 1000)


def cpu_seconds(pid: int) -> float:
    """What a process has used so far, all its threads together, by the kernel's account of it."""
    user, system = Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


async def run(bundles: dict[str, PolicyBundle], seconds: float) -> None:
    """Print each case for each bundle, and how many constants it costs."""
    engines = {name: EmbeddedEngine() for name in bundles}
    for name, engine in engines.items():
        await engine.load(bundles[name], tested=True)
    for case in cases():
        figures = {name: await measure(engine, case, seconds) for name, engine in engines.items()}
        print(case.name)
        for name, found in figures.items():
            ratio = found.clock / figures["constant"].clock
            print(f"  {name}: {found.clock:.2f} ms, CPU {found.cpu:.2f} ms, ratio {ratio:.1f}")
    for engine in engines.values():
        await engine.close()


def constant() -> PolicyBundle:
    """A bundle that costs no more than being asked."""
    always = "package phoenix.constant_test\n\ntest_nothing if true\n"
    modules = {"decide.rego": CONSTANT, "constant_test.rego": always}
    return make_bundle(modules, shipped_bundle().data)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=1.0, help="for each figure")
    parser.add_argument("--beside", type=Path, help="another bundle's folder, to compare with")
    told = parser.parse_args()
    compared = {"constant": constant(), "shipped": shipped_bundle()}
    if told.beside is not None:
        compared["beside"] = read_bundle(told.beside)
    uvloop.run(run(compared, told.seconds))

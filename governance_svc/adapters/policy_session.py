"""What both engines have in common: a session to put a bundle into and ask, and how to admit one.

A bundle is admitted in the same steps everywhere: read as syntax, refused where it is malformed or
impure, put into the engine, its own tests run by that engine, every decision point tried.
"""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Protocol

from governance_svc.domain.bundle import BundleRefused, BundleTests, PolicyBundle
from phoenix_runtime.core.errors import PolicyEngineUnavailable, Violation
from phoenix_runtime.core.json import Json, JsonObject
from phoenix_runtime.core.verdict import DecisionPoint

INSPECTOR = "phoenix_engine"
"""The package of our own module in the engine; a bundle may not define it."""

ROOT = "phoenix"
"""A bundle's packages are this one and those below it."""


class PolicyFault(Exception):
    """The engine answered with an error: of syntax, of compilation or of evaluation."""


class CutOff(PolicyEngineUnavailable):
    """The engine did not answer within the deadline, or died over the question."""


class PolicySession(Protocol):
    """One engine, to be filled and asked. Raises `PolicyEngineUnavailable` where it is away."""

    async def put_modules(self, modules: Mapping[str, str]) -> None:
        """Add Rego modules by path; raises `PolicyFault` where they do not compile."""
        ...

    async def put_data(self, name: str, value: Json) -> None:
        """Set ``data.<name>``."""
        ...

    async def document(self, path: str, input_document: Json) -> Json:
        """The value of ``data.<path>`` (dotted), None where undefined; raises `PolicyFault`."""
        ...


def inspector_source() -> str:
    """The Rego source of the inspector."""
    return files("governance_svc.adapters").joinpath("inspector.rego").read_text("utf-8")


async def admit(session: PolicySession, bundle: PolicyBundle) -> BundleTests:
    """Put ``bundle`` into ``session``, tested and tried; raises `BundleRefused` where it fails."""
    await session.put_modules({f"{INSPECTOR}.rego": inspector_source()})
    tests = await _inspect(session, bundle)
    await fill(session, bundle)
    try:
        passed = await _run(session, tests)
        await _try_all(session)
    except CutOff as cut:  # a rule without end
        raise BundleRefused([Violation("bundle", cut.text)]) from cut
    await session.put_data("phoenix_bundle", {"revision": bundle.revision})
    return BundleTests(passed)


async def restore(session: PolicySession, bundle: PolicyBundle) -> None:
    """Put back a bundle that was admitted before."""
    await session.put_modules({f"{INSPECTOR}.rego": inspector_source()})
    await fill(session, bundle)
    await session.put_data("phoenix_bundle", {"revision": bundle.revision})


async def fill(session: PolicySession, bundle: PolicyBundle) -> None:
    """Modules and catalogue, as they are; raises `BundleRefused` where they do not compile."""
    try:
        await session.put_modules(bundle.modules)
        await session.put_data("catalogue", bundle.data)
    except PolicyFault as fault:
        raise BundleRefused([Violation("bundle", str(fault))]) from fault


async def ask(
    session: PolicySession, point: DecisionPoint, inputs: Sequence[JsonObject]
) -> tuple[str, Json]:
    """The revision that answers (empty where the engine holds no bundle) and the raw answer.

    A batch that ends in an error is asked again one by one, so that a single input that no rule was
    written for does not deny all the others; what fails alone is answered by its fault.
    """
    try:
        return await _ask(session, point, inputs)
    except PolicyFault as fault:
        if len(inputs) == 1:
            return "?", [_faulty(fault)]
    answers: list[Json] = []
    revision = "?"
    for one in inputs:
        one_revision, answer = await ask(session, point, [one])
        revision = one_revision if one_revision != "?" else revision
        # Anything but a list of one is kept as it is: it will be read as a denial.
        answers.append(answer[0] if isinstance(answer, list) and len(answer) == 1 else answer)
    return revision, answers


async def _ask(
    session: PolicySession, point: DecisionPoint, inputs: Sequence[JsonObject]
) -> tuple[str, Json]:
    question: JsonObject = {"point": point.value, "inputs": list(inputs)}
    answer = await session.document(f"{INSPECTOR}.answer", question)
    if not isinstance(answer, Mapping) or not isinstance(answer.get("revision"), str):
        return "", None
    return str(answer["revision"]), answer.get("verdicts")


def _faulty(fault: PolicyFault) -> JsonObject:
    return {"fault": f"the evaluation failed: {fault}"}


async def _inspect(session: PolicySession, bundle: PolicyBundle) -> dict[str, frozenset[str]]:
    """The names of the tests by package, of a bundle whose every module is acceptable."""
    violations: list[Violation] = []
    tests: dict[str, frozenset[str]] = {}
    for path, source in sorted(bundle.modules.items()):
        try:
            report = await session.document(f"{INSPECTOR}.report", {"path": path, "source": source})
        except PolicyFault as fault:
            violations.append(Violation(f"bundle.{path}", str(fault)))
            continue
        package, named, faults = _read_report(report)
        violations += [Violation(f"bundle.{path}", text) for text in faults]
        tests[package] = tests.get(package, frozenset()) | named
    if not any(tests.values()) and not violations:
        violations.append(Violation("bundle", "has no tests of its own"))
    if violations:
        raise BundleRefused(violations)
    return {package: named for package, named in tests.items() if named}


def _read_report(report: Json) -> tuple[str, frozenset[str], list[str]]:
    if not isinstance(report, Mapping):
        return "", frozenset(), ["is no Rego module"]
    package = str(report.get("package"))
    faults = [
        f"calls {name}: decisions rest on input and bundle alone"
        for name in _strings(report.get("impure"))
    ]
    if package != ROOT and not package.startswith(f"{ROOT}."):
        faults.append(f"package {package} is not below {ROOT}")
    return package, frozenset(_strings(report.get("tests"))), faults


def _strings(value: Json) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


async def _run(session: PolicySession, tests: Mapping[str, frozenset[str]]) -> int:
    failed: list[Violation] = []
    for package, names in sorted(tests.items()):
        try:
            outcome = await session.document(package, {})
        except PolicyFault as fault:
            failed.append(Violation(f"bundle.{package}", f"its tests end in an error: {fault}"))
            continue
        held = outcome if isinstance(outcome, Mapping) else {}
        failed += [
            Violation(f"bundle.{package}.{name}", "the test fails")
            for name in sorted(names)
            if held.get(name) is not True
        ]
    if failed:
        raise BundleRefused(failed)
    return sum(map(len, tests.values()))


async def _try_all(session: PolicySession) -> None:
    """Every point has to answer and to deny a question that says nothing: no allow-all gets in."""
    violations: list[Violation] = []
    for point in DecisionPoint:
        try:
            answer = await session.document(
                f"{ROOT}.decide", {"point": point.value, "inputs": [{}]}
            )
        except PolicyFault as fault:
            violations.append(Violation(f"bundle.{point}", str(fault)))
            continue
        one = answer[0] if isinstance(answer, list) and len(answer) == 1 else None
        if not isinstance(one, Mapping) or one.get("effect") != "deny":
            violations.append(Violation(f"bundle.{point}", "does not deny an empty input"))
    if violations:
        raise BundleRefused(violations)

"""What both engines have in common: a session to put a bundle into and ask, and how to admit one.

A bundle is admitted in the same steps everywhere: read as syntax, refused where it is malformed or
impure, put into the engine, its own tests run by that engine, every decision point tried.
"""

import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Protocol

from governance_svc.domain.policy.bundle import BundleRefused, BundleTests, PolicyBundle
from phoenix_runtime.core.errors import PolicyEngineUnavailable, Violation
from phoenix_runtime.core.json import Json, JsonObject
from phoenix_runtime.core.verdict import DecisionPoint

INSPECTOR = "phoenix_engine"
"""The package of our own module in the engine; a bundle may not define it."""

ROOT = "phoenix"
"""A bundle's packages are this one and those below it."""

SUSPECT = re.compile(r"\b(?:http|net|opa|rand|time|uuid)\b", re.ASCII)
"""The first parts of the names of impure built-ins. Rego writes an identifier in one way only, so
where none of these stands in the text, none stands in the syntax tree."""

TEST = re.compile(r"^(test_\w+)", re.ASCII | re.MULTILINE)
"""The rules that are tests, as OPA's own tools name them."""

PACKAGE = re.compile(rf"{ROOT}(\.[a-z_][a-z0-9_]*)*", re.ASCII)


FAULT = "?"
"""In place of a revision where nothing but faults was answered."""


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

    async def documents(self, paths: Sequence[str]) -> Sequence[Json]:
        """The values of several documents without an input, as `document` gives them."""
        ...

    async def announce(self, revision: str) -> None:
        """Let questions be answered: the bundle is complete and admitted."""
        ...


def inspector_source() -> str:
    """The Rego source of the inspector."""
    return (
        files("governance_svc.adapters.policy_engines")
        .joinpath("inspector.rego")
        .read_text("utf-8")
    )


async def admit(session: PolicySession, bundle: PolicyBundle, *, tested: bool) -> BundleTests:
    """Put ``bundle`` into ``session``; raises `BundleRefused` where it fails.

    ``tested``: its tests have passed before and are left out.
    """
    await session.put_modules({f"{INSPECTOR}.rego": inspector_source()})
    tests = await _inspect(session, bundle)
    await _fill(session, bundle.rules if tested else bundle.modules, bundle.data)
    try:
        passed = 0 if tested else await _run(session, tests)
        await _try_all(session)
    except CutOff as cut:  # a rule without end
        raise BundleRefused([Violation("bundle", cut.text)]) from cut
    await session.announce(bundle.revision)
    return BundleTests(passed)


async def restore(session: PolicySession, bundle: PolicyBundle) -> None:
    """Put in a bundle that was admitted before, without its tests."""
    await session.put_modules({f"{INSPECTOR}.rego": inspector_source()})
    await _fill(session, bundle.rules, bundle.data)
    await session.announce(bundle.revision)


async def _fill(session: PolicySession, modules: Mapping[str, str], data: Json) -> None:
    """Modules and catalogue, as they are; raises `BundleRefused` where they do not compile."""
    try:
        await session.put_modules(modules)
        await session.put_data("catalogue", data)
    except PolicyFault as fault:
        raise BundleRefused([Violation("bundle", str(fault))]) from fault


async def ask(
    session: PolicySession, point: DecisionPoint, inputs: Sequence[JsonObject]
) -> tuple[str, Json]:
    """The announced revision that answers, empty where none is, and the raw answer.

    A batch that ends in an error is asked again one by one, so that a single input that no rule was
    written for does not deny all the others; what fails alone is answered by its fault.
    """
    try:
        return await _ask(session, point, inputs)
    except PolicyFault as fault:
        if len(inputs) == 1:
            return FAULT, [_faulty(fault)]
    answers: list[Json] = []
    revision = FAULT
    for one in inputs:
        one_revision, answer = await ask(session, point, [one])
        revision = one_revision if one_revision != FAULT else revision
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
    impure = await _impure(session, bundle.modules)
    violations: list[Violation] = []
    tests: dict[str, frozenset[str]] = {}
    for path, source in sorted(bundle.modules.items()):
        package = module_package(source)
        # The name becomes part of a query, so it is one in every character; `system.authz` and the
        # inspector's own package are nobody's to define.
        if PACKAGE.fullmatch(package) is None:
            violations.append(Violation(f"bundle.{path}", f"its package is not below {ROOT}"))
        for name in _strings(impure.get(path, [])):
            text = f"calls {name}: decisions rest on the input and the bundle alone"
            violations.append(Violation(f"bundle.{path}", text))
        tests[package] = tests.get(package, frozenset()) | frozenset(TEST.findall(source))
    if not any(tests.values()) and not violations:
        violations.append(Violation("bundle", "has no tests of its own"))
    if violations:
        raise BundleRefused(violations)
    return {package: named for package, named in tests.items() if named}


async def _impure(session: PolicySession, modules: Mapping[str, str]) -> Mapping[str, Json]:
    """The forbidden built-ins by module, from the syntax tree of those that could name any."""
    suspects = {path: source for path, source in modules.items() if SUSPECT.search(source)}
    if not suspects:
        return {}
    try:
        found = await session.document(f"{INSPECTOR}.impure", {"modules": suspects})
    except PolicyFault as fault:
        raise BundleRefused([Violation("bundle", str(fault))]) from fault
    if not isinstance(found, Mapping) or found.keys() != suspects.keys():
        raise BundleRefused([Violation("bundle", "holds what is no Rego module")])
    return found


def module_package(source: str) -> str:
    """The package of a module, empty where it is not stated plainly on its first line of code."""
    for line in source.splitlines():
        if line.strip() and not line.startswith("#"):
            stated = re.fullmatch(r"package ([a-z0-9_.]+)\s*", line, re.ASCII)
            return stated[1] if stated else ""
    return ""


def _strings(value: Json) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


async def _run(session: PolicySession, tests: Mapping[str, frozenset[str]]) -> int:
    packages = sorted(tests)
    try:
        outcomes = await session.documents(packages)
    except PolicyFault as fault:
        raise BundleRefused([Violation("bundle", f"its tests end in an error: {fault}")]) from fault
    failed = [
        Violation(f"bundle.{package}.{name}", "the test fails")
        for package, outcome in zip(packages, outcomes, strict=True)
        for name in sorted(tests[package])
        if not isinstance(outcome, Mapping) or outcome.get(name) is not True
    ]
    if failed:
        raise BundleRefused(failed)
    return sum(map(len, tests.values()))


async def _try_all(session: PolicySession) -> None:
    """Every point has to answer and to deny a question that says nothing: no allow-all gets in."""
    violations: list[Violation] = []
    for point in DecisionPoint:
        _, answer = await ask(session, point, [{}])
        one = answer[0] if isinstance(answer, list) and len(answer) == 1 else None
        if not isinstance(one, Mapping) or one.get("effect") != "deny":
            text = str(one.get("fault", "")) if isinstance(one, Mapping) else ""
            violations.append(Violation(f"bundle.{point}", text or "does not deny an empty input"))
    if violations:
        raise BundleRefused(violations)

"""Admits a policy bundle to an engine, in the same steps for every engine.

The engine has to answer what is known before. Then the bundle is read as syntax and refused where
it is malformed or impure; it is put into the engine, which runs the bundle's own tests; then every
decision point is probed. What an engine does to a bundle that is known to be good is the engine's
fault: `PolicyEngineUnavailable`, never `BundleRefused`.
"""

import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

from governance_svc.adapters.bundle_folder import is_shipped, shipped_modules
from governance_svc.adapters.policy_engines.policy_session import (
    INSPECTOR,
    MAX_ERROR,
    EvaluationAborted,
    NoEngine,
    PolicySession,
    RegoError,
    engines_fault,
    evaluate,
)
from governance_svc.domain.policy.bundle import (
    BundleCutOff,
    BundleRefused,
    BundleTests,
    PolicyBundle,
)
from governance_svc.domain.policy.input_reads.analysis import input_reads
from governance_svc.domain.policy.input_reads.report import InputReads
from governance_svc.domain.policy.own_rules import own_rule_violations
from phoenix_runtime.core.errors import PolicyEngineUnavailable, Violation
from phoenix_runtime.core.json import Json
from phoenix_runtime.core.verdict import DecisionPoint

ROOT: Final = "phoenix"
"""A bundle's packages are this one and those below it."""

IMPURE_NAMES: Final = re.compile(r"\b(?:http|net|opa|rand|time|uuid)\b", re.ASCII)
"""The first parts of the names of impure built-ins. Rego writes an identifier in one way only, so
where none of these stands in the text, none stands in the syntax tree."""

TEST_RULE: Final = re.compile(r"^(test_\w+)", re.ASCII | re.MULTILINE)
"""The rules that are tests, as OPA's own tools name them."""

PACKAGE: Final = re.compile(rf"{ROOT}(\.[a-z_][a-z0-9_]*)*", re.ASCII)


WORD: Final = "phoenix-dma"
"""What an engine has to say again before it is given a bundle."""


async def admit(session: PolicySession, bundle: PolicyBundle, *, tested: bool) -> BundleTests:
    """Load ``bundle`` into ``session`` and activate it; raises `BundleRefused` where it fails.

    ``tested`` leaves its tests out, which have passed before. Raises `PolicyEngineUnavailable` for
    what is no engine, and where it refuses the bundle that is part of this release.
    """
    await _require_engine(session)
    try:
        return await _admitted(session, bundle, tested=tested)
    except BundleCutOff:
        raise
    except BundleRefused as refused:
        if not is_shipped(bundle):
            raise
        text = f"The policy engine refuses the rules of this release: {refused.text}"
        raise PolicyEngineUnavailable(text[:MAX_ERROR], lasting=True) from refused


async def _admitted(session: PolicySession, bundle: PolicyBundle, *, tested: bool) -> BundleTests:
    tests = await _inspect(session, bundle)
    reads = await _input_reads(session, bundle)
    await _load(session, bundle.rules if tested else bundle.modules, bundle.data)
    try:
        passed = 0 if tested else await _run_tests(session, tests)
        await _probe_decision_points(session)
    except EvaluationAborted as aborted:  # an endless rule, or no time to compute
        raise BundleCutOff([Violation("bundle", aborted.text)]) from aborted
    await session.activate(bundle.revision)
    return BundleTests(passed, reads=reads)


async def restore(session: PolicySession, bundle: PolicyBundle) -> None:
    """Load and activate a bundle that was admitted before, without its tests.

    Raises `PolicyEngineUnavailable`: the engine that does not take it any more is at fault.
    """
    await _put_inspector(session)
    try:
        await _load(session, bundle.rules, bundle.data)
    except BundleRefused as refused:
        text = f"The policy engine does not take its policy any more: {refused.text}"
        raise PolicyEngineUnavailable(text[:MAX_ERROR]) from refused
    # The first question makes the engine compile all rules: fifty times as long as a decision. On a
    # busy machine its deadline would cut that off, and so it would every engine after it.
    await evaluate(session, next(iter(DecisionPoint)), [{}])
    await session.activate(bundle.revision)


async def _require_engine(session: PolicySession) -> None:
    """Put the inspector in and ask it; raises `PolicyEngineUnavailable` where no engine answers."""
    await _put_inspector(session)
    what = "The policy engine does not evaluate the runtime's own module"
    with engines_fault(what, lasting=True):
        said = await session.document(f"{INSPECTOR}.echo", {"word": WORD})
    if said != WORD:
        text = "The policy engine does not evaluate Rego: it answers something else than was asked"
        raise NoEngine(text)


async def _put_inspector(session: PolicySession) -> None:
    with engines_fault("The policy engine does not take the runtime's own module", lasting=True):
        await session.put_modules({f"{INSPECTOR}.rego": inspector_source()})


def inspector_source() -> str:
    """The Rego source of the inspector, the runtime's own module in every engine."""
    folder = files("governance_svc.adapters.policy_engines")
    return folder.joinpath("inspector.rego").read_text("utf-8")


def module_package(source: str) -> str:
    """The package of a module, empty where its first line of code does not state it plainly."""
    for line in source.splitlines():
        if line.strip() and not line.startswith("#"):
            stated = re.fullmatch(r"package ([a-z0-9_.]+)\s*", line, re.ASCII)
            return stated[1] if stated else ""
    return ""


async def _load(session: PolicySession, modules: Mapping[str, str], data: Json) -> None:
    """Put modules and catalogue into the engine; raises `BundleRefused` for a compile error."""
    try:
        await session.put_modules(modules)
        await session.put_data("catalogue", data)
    except RegoError as error:
        raise BundleRefused([Violation("bundle", str(error))]) from error


async def _inspect(session: PolicySession, bundle: PolicyBundle) -> dict[str, frozenset[str]]:
    """The names of the bundle's tests by package; raises `BundleRefused` for a bad module."""
    impure = await _impure_calls(session, bundle.checked)
    violations: list[Violation] = []
    tests: dict[str, frozenset[str]] = {}
    for path, source in sorted(bundle.checked.items()):
        package = module_package(source)
        # The name becomes part of a query, so every character of it is checked. A bundle may
        # define neither `system.authz` nor the inspector's package.
        if PACKAGE.fullmatch(package) is None:
            violations.append(Violation(f"bundle.{path}", f"its package is not below {ROOT}"))
        for name in _strings(impure.get(path, [])):
            text = f"calls {name}: decisions rest on the input and the bundle alone"
            violations.append(Violation(f"bundle.{path}", text))
        tests[package] = tests.get(package, frozenset()) | frozenset(TEST_RULE.findall(source))
    rules = set(bundle.checked) & set(bundle.rules)
    if rules and not any(tests.values()) and not violations:
        violations.append(Violation("bundle", "has no tests of its own"))
    if violations:
        raise BundleRefused(violations)
    return {package: names for package, names in tests.items() if names}


async def _impure_calls(session: PolicySession, modules: Mapping[str, str]) -> Mapping[str, Json]:
    """The forbidden built-ins by module, from the syntax tree of those that could name any."""
    suspects = {path: source for path, source in modules.items() if IMPURE_NAMES.search(source)}
    if not suspects:
        return {}
    try:
        calls = await session.document(f"{INSPECTOR}.impure", {"modules": suspects})
    except RegoError as error:
        raise BundleRefused([Violation("bundle", str(error))]) from error
    if not isinstance(calls, Mapping) or calls.keys() != suspects.keys():
        raise BundleRefused([Violation("bundle", "holds a file that is not a Rego module")])
    return calls


async def _input_reads(session: PolicySession, bundle: PolicyBundle) -> InputReads:
    """What its rules read of the input; raises `BundleRefused` for a path that no input has.

    The shipped modules are left out: a contract test reads them, and to parse them all takes as
    long as all other steps.
    """
    shipped = shipped_modules()
    own = {path: source for path, source in bundle.checked.items() if shipped.get(path) != source}
    if not own:
        return InputReads()
    try:
        trees: Any = await session.document(f"{INSPECTOR}.trees", {"modules": own})
    except RegoError as error:
        raise BundleRefused([Violation("bundle", str(error))]) from error
    if not isinstance(trees, Mapping) or trees.keys() != own.keys():
        raise PolicyEngineUnavailable("The policy engine gave other syntax trees than asked for")
    try:
        reads = input_reads({path: tree for path, tree in trees.items() if path in bundle.rules})
        violations = list(own_rule_violations(trees)) if bundle.own is not None else []
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        text = f"The policy engine's syntax trees cannot be read ({type(error).__name__})"
        raise PolicyEngineUnavailable(text) from error
    violations += [Violation(f"bundle.{one.module}", one.explanation) for one in reads.unknown]
    if violations:
        raise BundleRefused(violations)
    return reads


def _strings(value: Json) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


async def _run_tests(session: PolicySession, tests: Mapping[str, frozenset[str]]) -> int:
    """The number of tests that passed; raises `BundleRefused` where one fails."""
    packages = sorted(tests)
    try:
        outcomes = await session.documents(packages)
    except RegoError as error:
        raise BundleRefused([Violation("bundle", f"its tests end in an error: {error}")]) from error
    failed = [
        Violation(f"bundle.{package}.{name}", "the test fails")
        for package, outcome in zip(packages, outcomes, strict=True)
        for name in sorted(tests[package])
        if not isinstance(outcome, Mapping) or outcome.get(name) is not True
    ]
    if failed:
        raise BundleRefused(failed)
    return sum(map(len, tests.values()))


async def _probe_decision_points(session: PolicySession) -> None:
    """Refuses a bundle that does not deny an empty input at every point: no allow-all gets in."""
    violations: list[Violation] = []
    for point in DecisionPoint:
        _, answer = await evaluate(session, point, [{}])
        one = answer[0] if isinstance(answer, list) and len(answer) == 1 else None
        if not isinstance(one, Mapping) or one.get("effect") != "deny":
            text = str(one.get("fault", "")) if isinstance(one, Mapping) else ""
            violations.append(Violation(f"bundle.{point}", text or "does not deny an empty input"))
    if violations:
        raise BundleRefused(violations)

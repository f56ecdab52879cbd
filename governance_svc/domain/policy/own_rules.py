"""Checks the rules of an overlay: they stand where they are read, and deny, ask or oblige."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from governance_svc.domain.policy.input_reads.program import OWN
from phoenix_runtime.core.errors import Violation
from phoenix_runtime.core.verdict import DecisionPoint

TESTS: Final = ("phoenix", "own_tests")
"""The package of an overlay's tests, and those below it."""

ASKING: Final = frozenset(
    {DecisionPoint.OPERATE, DecisionPoint.COMPLETE, DecisionPoint.ASSIGN, DecisionPoint.HANDOFF}
)
"""The points at which a human can be asked."""

OBLIGING: Final = frozenset({DecisionPoint.OPERATE, DecisionPoint.ASSIGN, DecisionPoint.HANDOFF})
"""The points whose obligations are kept with the task or answered to whoever acts."""

READ: Final[Mapping[str, frozenset[DecisionPoint]]] = {
    "deny": frozenset(DecisionPoint) - {DecisionPoint.ACTIVATE_POLICY},
    "ask": ASKING,
    "obligations": OBLIGING,
}
"""The rules of a point's package that are read, and at which points."""

POINTS: Final = {point.value.replace(".", "_"): point for point in DecisionPoint}


def own_rule_violations(trees: Mapping[str, Mapping[str, Any]]) -> Iterator[Violation]:
    """What is wrong with the modules of an overlay, by their syntax trees."""
    for path, tree in sorted(trees.items()):
        package = tuple(str(term["value"]) for term in tree["package"]["path"][1:])
        field = f"bundle.{path}"
        if path.endswith("_test.rego"):
            if package[:2] != TESTS:
                yield Violation(field, f"tests stand in the package {'.'.join(TESTS)}")
        elif package[:2] != OWN or len(package) < 3:
            text = f"own rules stand in {'.'.join(OWN)}.<point>, such as phoenix.own.data_operate"
            yield Violation(field, text)
        else:
            yield from _rules(field, package, tree.get("rules") or ())


def _rules(field: str, package: tuple[str, ...], rules: Any) -> Iterator[Violation]:
    heads = {str(rule["head"].get("name", "")): rule["head"] for rule in rules}
    point = POINTS.get(package[2]) if len(package) == 3 else None
    for name in sorted(heads.keys() & READ.keys()):
        if point is None:
            near = difflib.get_close_matches(package[2], POINTS, n=1)
            suggestion = f"; nearest is phoenix.own.{near[0]}" if near else ""
            text = f"rule {name} is read in no package {'.'.join(package)}{suggestion}"
            yield Violation(field, text)
        elif point not in READ[name]:
            yield Violation(field, f"rule {name} is not read at {point}: {_why(name)}")
        elif "key" not in heads[name] or "value" in heads[name]:
            yield Violation(field, f"rule {name} is a set: write `{name} contains … if …`")
    if point is not None and "allow" in heads:
        text = "rule allow is never read: own rules deny, ask or oblige, the shipped rules allow"
        yield Violation(field, text)


def _why(name: str) -> str:
    return {
        "deny": "who may mend a policy is never a matter of the policy that is to be mended",
        "ask": "nobody can be asked there; deny instead",
        "obligations": "nobody would keep them",
    }[name]

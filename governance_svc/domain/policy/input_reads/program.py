"""The modules of a bundle as rules by name, so that a reference can be followed to its rule."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from governance_svc.domain.policy.input_reads.report import ANY_POINT, BATCH
from phoenix_runtime.core.verdict import DecisionPoint

Node = Mapping[str, Any]
"""A node of OPA's syntax tree, as `rego.parse_module` answers it."""

Key = tuple[str, ...]
"""The package of a rule and its name."""

OWN: Final = ("phoenix", "own")
"""Below this package an installation has its own rules, in one package for each point."""

NO_RULES: Final = frozenset({"catalogue", "future", "input", "rego"})
"""What can be imported and is no rule: the catalogue, what a language version brings, the input."""

ENTRY_POINTS: Final[Mapping[Key, str]] = {
    ("phoenix",): BATCH,
    ("phoenix", "data_operate"): DecisionPoint.OPERATE.value,
    **{("phoenix", *point.value.split(".")): point.value for point in DecisionPoint},
    **{(*OWN, point.value.replace(".", "_")): point.value for point in DecisionPoint},
}
"""The packages whose input is that of one decision point."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One clause of a rule, in its module; ``index`` tells the clauses of a module apart."""

    module: "Module"
    name: str
    index: int
    node: Node

    @property
    def key(self) -> Key:
        """The package and the name."""
        return (*self.module.package, self.name)


@dataclass(frozen=True, slots=True)
class Module:
    """One module: its package, what its imports name, and its root of ``input``."""

    path: str
    package: Key
    imports: Mapping[str, Key]
    root: str


class Program:
    """Every rule of the modules, by package and name."""

    def __init__(self, trees: Mapping[str, Node]) -> None:
        self.rules: list[Rule] = []
        for path, tree in sorted(trees.items()):
            module = _module(path, tree)
            self.rules += [
                Rule(module, _name(node), index, node)
                for index, node in enumerate(_clauses(tree.get("rules") or ()))
            ]
        self.names = frozenset(rule.key for rule in self.rules)
        self.own = all(rule.module.package[:2] == OWN for rule in self.rules)
        """Whether nobody but the entry points of an installation's own rules uses these rules."""

    def rule_at(self, module: Module, path: Key) -> Key | None:
        """The rule that ``path`` names, seen from ``module``, or None; it may lead on behind it."""
        head, *rest = path
        if head == "data":
            full = tuple(rest)
        elif (*module.package, head) in self.names:
            full = (*module.package, *path)
        elif head in module.imports:
            full = (*module.imports[head], *rest)
        else:
            return None
        return next(
            (full[:end] for end in range(len(full), 0, -1) if full[:end] in self.names), None
        )

    def foreign(self, module: Module, path: Key) -> bool:
        """Whether ``path``, which names no rule of these modules, may name one of others."""
        head, *rest = path
        if head != "data" and head not in module.imports:
            return False
        full = rest if head == "data" else module.imports[head]
        return not full or full[0] not in NO_RULES


def texts(terms: Sequence[Node]) -> Key:
    """The leading constant steps of a reference, its head included."""
    return (str(terms[0]["value"]), *constants(terms[1:]))


def constants(terms: Iterable[Node]) -> Key:
    """The constant steps with which ``terms`` begin."""
    leading = itertools.takewhile(lambda term: term["type"] == "string", terms)
    return tuple(str(term["value"]) for term in leading)


def parts(kind: str, value: Any) -> list[Node]:
    """The terms within a composite term."""
    if kind.endswith("comprehension"):
        return [value[part] for part in ("key", "value", "term") if part in value]
    if kind in {"array", "set"}:
        return list(value or ())
    if kind == "object":
        return [part for pair in value or () for part in pair]
    if kind == "templatestring":
        return [_embedded(part) for part in value["parts"]]
    return []


def _embedded(part: Node) -> Node:
    """A part of a template string: a text, or an expression whose value is put in."""
    terms = part.get("terms", part)
    return {"type": "call", "value": terms} if isinstance(terms, list) else terms


def _module(path: str, tree: Node) -> Module:
    package = tuple(str(term["value"]) for term in tree["package"]["path"][1:])
    imports = {}
    for one in tree.get("imports") or ():
        steps = texts(one["path"]["value"])
        name = one.get("alias") or steps[-1]
        imports[name] = steps[1:] if steps[0] == "data" else steps
    return Module(path, package, imports, ENTRY_POINTS.get(package, ANY_POINT))


def _clauses(rules: Iterable[Node]) -> Iterator[Node]:
    for rule in rules:
        yield rule
        if "else" in rule:
            # An else clause does not repeat the arguments of its head.
            inner = {**rule["else"], "head": {**rule["head"], **rule["else"]["head"]}}
            yield from _clauses([inner])


def _name(rule: Node) -> str:
    ref = rule["head"].get("ref") or [{"value": rule["head"].get("name", "")}]
    return str(ref[0]["value"])

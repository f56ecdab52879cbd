"""Follows ``input`` through rules, local variables and the arguments of functions.

What a term may be of the input is a set of paths, each with its root. The sets only grow, so the
rules are visited until nothing new is found; unknown paths are reported by the last visit. A path
behind a computed key is not known: what it is read from counts as read whole.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from governance_svc.domain.policy.input_reads.program import (
    Key,
    Node,
    Program,
    Rule,
    constants,
    parts,
    texts,
)
from governance_svc.domain.policy.input_reads.report import (
    ANY_POINT,
    BATCH,
    TYPE,
    InputReads,
    UnknownPath,
    container,
    exists,
    points_of,
)
from phoenix_runtime.core.policy_inputs.shapes import ITEM, Path
from phoenix_runtime.core.verdict import DecisionPoint

Paths = frozenset[tuple[str, Path]]
"""What a term may be: the root of the input, and the path below it."""

NOTHING: Final[Paths] = frozenset()
MAX_VISITS: Final = 50
TYPE_CHECKS: Final = frozenset(
    {"is_array", "is_boolean", "is_null", "is_number", "is_object", "is_set", "is_string"}
)


def input_reads(trees: Mapping[str, Node]) -> InputReads:
    """What the rules of ``trees`` (syntax trees by the path of their module) read of the input."""
    program = Program(trees)
    analysis = _Analysis(program)
    for _ in range(MAX_VISITS):
        before = analysis.size
        analysis.visit()
        if analysis.size == before:
            break
    analysis.reporting = True
    analysis.visit()
    return analysis.report()


class _Analysis:
    """The state of one analysis: what rules, arguments and variables may be of the input."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._values: defaultdict[Any, Paths] = defaultdict(lambda: NOTHING)
        self._reads: set[tuple[str, Path]] = set()
        self._unknown: dict[tuple[str, str, Path], UnknownPath] = {}
        self.reporting = False
        self.foreign = not program.own

    @property
    def size(self) -> int:
        """How much is known: an unchanged number means that nothing new was found."""
        return sum(map(len, self._values.values())) + len(self._reads)

    def visit(self) -> None:
        """Visit every clause once."""
        for rule in self._program.rules:
            _Clause(self, self._program, rule).visit()

    def value(self, place: Any) -> Paths:
        """What is known of a rule, an argument or a variable."""
        return self._values[place]

    def learn(self, place: Any, paths: Paths) -> None:
        """A rule, an argument or a variable may be ``paths``, too."""
        self._values[place] |= paths

    def read(self, paths: Iterable[tuple[str, Path]]) -> None:
        """Somebody reads all that is at ``paths``."""
        self._reads.update(paths)

    def checked(self, rule: Rule, paths: Paths, behind: Path = ()) -> Paths:
        """Those of ``paths`` that exist; where none does, one is reported with what is behind."""
        known = frozenset(one for one in paths if exists(*one))
        if paths and not known and self.reporting:
            root, path = min(paths)
            found = UnknownPath(rule.module.path, rule.name, root, (*path, *behind))
            self._unknown[rule.module.path, rule.name, path] = found
        return known

    def report(self) -> InputReads:
        """What was found."""
        by_point: defaultdict[DecisionPoint, set[Path]] = defaultdict(set)
        for root, path in self._reads:
            if root == BATCH:
                continue
            for point in points_of(root):
                known = path[:-1] if path[-1:] == (TYPE,) else path
                if root != ANY_POINT or exists(point.value, known):
                    by_point[point].add(path)
        paths = {point: frozenset(found) for point, found in by_point.items()}
        unknown = tuple(one for _, one in sorted(self._unknown.items()))
        return InputReads(unknown, paths, self.foreign)


class _Clause:
    """One visit of one clause of a rule."""

    def __init__(self, analysis: _Analysis, program: Program, rule: Rule) -> None:
        self._analysis = analysis
        self._program = program
        self._rule = rule
        self._arguments = [
            str(term["value"]) if term["type"] == "var" else ""
            for term in rule.node["head"].get("args") or ()
        ]

    def visit(self) -> None:
        """Visit body and head; what the head is, the rule is."""
        head = self._rule.node["head"]
        for index, term in enumerate(head.get("args") or ()):
            if term["type"] != "var":  # a constant or a pattern compares what is passed
                self._analysis.read(self._analysis.value((*self._rule.key, index)))
        self._body(self._rule.node.get("body") or ())
        if "key" in head:
            self._consume(head["key"])
            if "value" in head:
                self._consume(head["value"])
        elif "value" in head:
            self._analysis.learn(self._rule.key, self._value(head["value"]))

    # ---- bodies

    def _body(self, body: Sequence[Node]) -> None:
        for expression in body:
            for override in expression.get("with") or ():
                self._consume(override["value"])
            self._expression(expression["terms"])

    def _expression(self, terms: Any) -> None:
        if isinstance(terms, list):
            self._statement(terms)
        elif "symbols" in terms:
            for symbol in terms["symbols"]:
                if symbol["type"] == "call":
                    self._declare(*symbol["value"][1:])
        elif "domain" in terms:
            self._bind(terms["value"], self._items(terms["domain"]))
            self._body(terms["body"])
        else:
            self._consume(terms)

    def _declare(self, *terms: Node) -> None:
        """``some x in xs`` or ``some k, x in xs``: x may be an item of xs."""
        self._bind(terms[-2], self._items(terms[-1]))
        for one in (each for each in terms[:-1] if each["type"] != "var"):
            self._consume(one)

    def _statement(self, terms: Sequence[Node]) -> None:
        """A call that stands by itself; some of them give variables their values."""
        name, arguments = ".".join(texts(terms[0]["value"])), terms[1:]
        if name == "assign":
            self._bind(arguments[0], self._value(arguments[1]))
            return
        if name in {"eq", "unify"}:  # it binds variables, or compares those that are bound
            for one, other in (arguments, arguments[::-1]):
                self._bind(one, self._value(other)) if one["type"] == "var" else None
        self._analysis.read(self._call(terms))

    def _bind(self, target: Node, paths: Paths) -> None:
        """A variable may be ``paths``; a pattern of several takes the value apart: read whole."""
        if target["type"] == "var":
            self._analysis.learn(self._place(str(target["value"])), paths)
        else:
            self._analysis.read(paths)

    def _items(self, collection: Node) -> Paths:
        """What each item of a collection may be."""
        return self._behind_key(self._value(collection))

    # ---- terms

    def _consume(self, term: Node) -> None:
        """Visit a term whose value is used as a whole."""
        self._analysis.read(self._value(term))

    def _value(self, term: Node) -> Paths:
        """What of the input a term may be; whatever stands in it is visited."""
        kind: str = term["type"]
        value: Any = term.get("value")
        if kind == "var":
            self._rule_at((str(value),))
            return self._named(str(value))
        if kind == "ref":
            return self._reference(value)
        if kind == "call":
            return self._call(value)
        if kind.endswith("comprehension"):
            self._body(value["body"])
        for part in parts(kind, value):
            self._consume(part)
        return NOTHING

    def _rule_at(self, path: Key) -> Key | None:
        """The rule that ``path`` names; notes where it may name one that is not analysed."""
        rule = self._program.rule_at(self._rule.module, path)
        self._analysis.foreign |= rule is None and self._program.foreign(self._rule.module, path)
        return rule

    def _place(self, name: str) -> Any:
        if name in self._arguments:
            return (*self._rule.key, self._arguments.index(name))
        return (self._rule.module.path, self._rule.index, name)

    def _named(self, name: str) -> Paths:
        """What a name stands for: the input, an argument, a variable, a rule."""
        module = self._rule.module
        if name == "input":
            return frozenset({(module.root, ())})
        imported = module.imports.get(name, ())
        if imported[:1] == ("input",):
            return frozenset({(module.root, tuple(imported[1:]))})
        local = self._analysis.value(self._place(name))
        rule = self._program.rule_at(module, (name,))
        return local | (self._analysis.value(rule) if rule is not None else NOTHING)

    def _reference(self, terms: list[Node]) -> Paths:
        head = terms[0]
        if head["type"] != "var":
            base, rest = self._value(head), terms[1:]
        else:
            base, rest = self._head(texts(terms), terms)
        for place, term in enumerate(rest, start=1):
            base = self._step(base, term, rest[place:])
        return base

    def _head(self, steps: Key, terms: list[Node]) -> tuple[Paths, list[Node]]:
        """What the first steps of a reference are, and the steps behind them."""
        module = self._rule.module
        rule = self._rule_at(steps)
        if rule is None or self._analysis.value(self._place(steps[0])):
            return self._named(steps[0]), terms[1:]
        behind_import = len(rule) - len(module.imports.get(steps[0], ()))
        taken = {"data": 1 + len(rule)}.get(steps[0], 1)
        if steps[0] in module.imports and (*module.package, steps[0]) not in self._program.names:
            taken = 1 + behind_import
        return self._analysis.value(rule), terms[taken:]

    def _step(self, base: Paths, term: Node, behind: Sequence[Node] = ()) -> Paths:
        if term["type"] == "string":
            key = str(term["value"])
            paths = frozenset((root, (*path, key)) for root, path in base)
            return self._analysis.checked(self._rule, paths, constants(behind))
        if term["type"] != "number":
            self._consume(term)
        return self._behind_key(base)

    def _behind_key(self, base: Paths) -> Paths:
        """Behind a computed key: an item, or anything of an object, which is then read whole."""
        items = frozenset((root, (*path, ITEM)) for root, path in base if container(root, path))
        self._analysis.read(one for one in base if not container(*one))
        return items

    # ---- calls

    def _call(self, terms: Sequence[Node]) -> Paths:
        steps = texts(terms[0]["value"])
        name, arguments = ".".join(steps), terms[1:]
        rule = self._rule_at(steps)
        if rule is not None:
            for index, argument in enumerate(arguments):
                self._analysis.learn((*rule, index), self._value(argument))
            return self._analysis.value(rule)
        if name == "object.get":
            return self._object_get(*arguments[:3])
        if name == "object.union":
            return self._value(arguments[0]) | self._value(arguments[1])
        if name in TYPE_CHECKS:
            checked = self._value(arguments[0])
            self._analysis.read((root, (*path, TYPE)) for root, path in checked)
            return NOTHING
        for argument in arguments:
            self._consume(argument)
        return NOTHING

    def _object_get(self, collection: Node, key: Node, default: Node) -> Paths:
        base, other = self._value(collection), self._value(default)
        for one in key["value"] if key["type"] == "array" else [key]:
            base = self._step(base, one)
        return base | other

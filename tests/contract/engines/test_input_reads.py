"""A bundle reads only what inputs have: the check follows `input`, and names what it refuses."""

from collections.abc import Mapping
from typing import Any

import pytest
from opa_bindings import OpaEngine

from governance_svc.adapters.bundle_folder import shipped_bundle
from governance_svc.adapters.policy_engines.bundle_admission import inspector_source
from governance_svc.domain.policy.bundle import BundleRefused, make_bundle
from governance_svc.domain.policy.engine import PolicyEngine
from governance_svc.domain.policy.input_reads.analysis import input_reads
from governance_svc.domain.policy.input_reads.report import InputReads
from phoenix_runtime.core.policy_inputs.points import INPUTS, MAY_BE_LEFT_OUT
from phoenix_runtime.core.policy_inputs.shapes import find
from phoenix_runtime.core.verdict import DecisionPoint
from tests.support.builders.bundles import small_bundle

OPERATE = "phoenix.own.data_operate"

REFUSED = {
    "misspelt": ("deny contains 1 if input.subjct.amount > 10", "subjct.amount"),
    "of another point": ("deny contains 1 if input.result.amount > 10", "result.amount"),
    "below a text": ("deny contains 1 if input.name.first", "name.first"),
    "with a key": ('deny contains 1 if object.get(input, "tsk", null) == null', "tsk"),
    "by a path": (
        'deny contains 1 if object.get(input, ["task", "ojective"], "")',
        "task.ojective",
    ),
    "by a rule": ("task := input.task\n\ndeny contains 1 if task.objektive", "task.objektive"),
    "by a variable": ("deny contains 1 if {\n\tt := input.task\n\tt.risc\n}", "task.risc"),
    "by an item": (
        "deny contains 1 if {\n\tsome a in input.approvals\n\ta.stat\n}",
        "approvals[].stat",
    ),
    "by an index": ("deny contains 1 if input.approvals[_].stat", "approvals[].stat"),
    "by every": (
        'deny contains 1 if {\n\tevery a in input.approvals {\n\t\ta.stat == "x"\n\t}\n}',
        "approvals[].stat",
    ),
    "by a function": ("deny contains 1 if f(input.task)\n\nf(t) if t.risc", "task.risc"),
    "in a comprehension": (
        "deny contains x if {\n\tx := {a.stat | some a in input.approvals}\n}",
        "approvals[].stat",
    ),
    "in an else": ("a := 1 if {\n\tinput.name\n} else := input.nam\n\ndeny contains a", "nam"),
    "in brackets": ('deny contains 1 if input["task"]["risc"]', "task.risc"),
    "by a default": (
        'deny contains 1 if {\n\tt := object.get(input, "task", {})\n\tt.risc\n}',
        "task.risc",
    ),
    "negated": ("deny contains 1 if not input.subject_hsh", "subject_hsh"),
}

READ = {
    "deny contains 1 if input.subject.amount > 10000": {("subject", "amount")},
    "deny contains 1 if input.subject.lines[_].price > 1": {("subject", "lines", "[]", "price")},
    'deny contains 1 if object.get(input.subject, "amount", 0) > 1': {("subject", "amount")},
    "p := input.subject\n\ndeny contains 1 if p.amount > 1": {("subject", "amount")},
    "deny contains 1 if big(input.subject)\n\nbig(p) if p.amount > 1": {("subject", "amount")},
    "deny contains 1 if input.subject[input.name] > 1": {("subject", "[]"), ("name",)},
    "deny contains 1 if count(input.subject) > 1": {("subject",)},
    "deny contains 1 if not is_number(input.subject.amount)": {("subject", "amount", "()")},
    "deny contains 1 if {\n\twalk(input, [_, x])\n\tx == 1\n}": {()},
    'deny contains 1 if {\n\tx := input.subject.payee\n\tx in {"Ann"}\n}': {("subject", "payee")},
    'deny contains 1 if {\n\tsome x in input.subject.lines\n\tx in {"Ann"}\n}': {
        ("subject", "lines", "[]")
    },
    'deny contains 1 if {\n\tx := "Ann"\n\tx = input.subject.payee\n}': {("subject", "payee")},
    'deny contains $"pay {input.subject.payee}, {lower(input.name)}"': {
        ("subject", "payee"),
        ("name",),
    },
    'deny contains 1 if f(input.subject.payee)\n\nf("Ann") if true': {("subject", "payee")},
    'deny contains 1 if f(input.subject)\n\nf({"payee": x}) if x == 1': {("subject",)},
}

NEED_THE_ASSIGNEE = {
    "by a path": "deny contains 1 if input.assignee.status",
    "as a whole": "deny contains 1 if count(input.assignee) < 5",
    "within the input": "deny contains 1 if {\n\twalk(input, [_, x])\n\tx == 1\n}",
    "by a rule of others": "deny contains 1 if data.phoenix.task.complete.policy_input.assignee",
    "by an import": "import data.phoenix.task.complete as c\n\ndeny contains 1 if c.policy_input",
    "by an imported package": (
        "import data.phoenix.task.complete\n\ndeny contains 1 if {\n\tx := complete\n\tx.due\n}"
    ),
    "by a computed name": 'deny contains 1 if {\n\tp := "phoenix"\n\tdata[p].task\n}',
    "by all data": "deny contains 1 if {\n\tx := data\n\tx.phoenix\n}",
    "by a function of others": (
        "import data.phoenix.gates\n\ndeny contains 1 if gates.approved({}, {})"
    ),
    "by an item": "deny contains 1 if {\n\tsome x in data.phoenix.task\n\tx.due\n}",
}

DO_NOT_NEED_IT = {
    "its id": 'deny contains 1 if input.assignee.id == "agent.a"',
    "the result": "deny contains 1 if large\n\nlarge if input.result.amount > 10",
    "the catalogue": (
        "import data.catalogue\n\ndeny contains 1 if catalogue.domains[input.task.task_type]"
    ),
    "the catalogue by its path": "deny contains 1 if data.catalogue.domains[input.task.task_type]",
}


@pytest.fixture(scope="module")
def parser() -> OpaEngine:
    """An engine that parses modules."""
    engine = OpaEngine()
    engine.add_policy("inspector.rego", inspector_source())
    return engine


def reads_of(parser: OpaEngine, modules: Mapping[str, str]) -> InputReads:
    """What the modules read."""
    trees: Any = parser.eval_document("phoenix_engine.trees", {"modules": dict(modules)})
    return input_reads(trees)


def own(rules: str, package: str = OPERATE) -> str:
    """A module of an installation's own rules."""
    return f"package {package}\n\n{rules}\n"


@pytest.mark.parametrize("how", sorted(REFUSED))
def test_a_path_that_no_input_has_is_found_however_it_is_read(parser: OpaEngine, how: str) -> None:
    rules, path = REFUSED[how]
    (unknown,) = reads_of(parser, {"own.rego": own(rules)}).unknown
    assert unknown.module == "own.rego"
    assert f" reads input.{path}, which no input of data.operate has" in unknown.explanation


@pytest.mark.parametrize("rules", READ)
def test_what_is_read_of_the_content_is_known(parser: OpaEngine, rules: str) -> None:
    reads = reads_of(parser, {"own.rego": own(rules)})
    assert reads.unknown == ()
    assert reads.paths[DecisionPoint.OPERATE] == READ[rules]


def test_a_helper_reads_what_any_point_has(parser: OpaEngine) -> None:
    helper = own("big if input.result.amount > 1\n\nsmall if input.nothing", "phoenix.own.money")
    (unknown,) = reads_of(parser, {"money.rego": helper}).unknown
    assert "rule small reads input.nothing, which no input has" in unknown.explanation


def test_the_nearest_path_is_named(parser: OpaEngine) -> None:
    (unknown,) = reads_of(parser, {"own.rego": own("x := input.task.risk_levl")}).unknown
    assert unknown.explanation.endswith("nearest is input.task.risk_level")
    (unknown,) = reads_of(parser, {"own.rego": own("x := input.subjekt.amount")}).unknown
    assert unknown.explanation.endswith("nearest is input.subject")


def test_the_shipped_bundle_passes_and_reads_no_content(parser: OpaEngine) -> None:
    reads = reads_of(parser, shipped_bundle().rules)
    assert reads.unknown == ()
    assert () not in reads.paths[DecisionPoint.OPERATE]
    content = {path[0] for point in reads.paths.values() for path in point if path}
    assert not content & {"subject", "result"}


def test_the_shipped_bundle_reads_nothing_that_may_be_left_out(parser: OpaEngine) -> None:
    reads = reads_of(parser, shipped_bundle().rules)
    for point, parts in MAY_BE_LEFT_OUT.items():
        assert reads.paths[point]
        for paths in parts.values():
            assert reads.hidden_from(point, paths) == ()


def test_what_may_be_left_out_are_paths_of_the_input() -> None:
    for point, parts in MAY_BE_LEFT_OUT.items():
        assert all(find(INPUTS[point], path) for paths in parts.values() for path in paths)


@pytest.mark.parametrize("how", NEED_THE_ASSIGNEE)
def test_rules_that_may_read_what_is_left_out_need_it(parser: OpaEngine, how: str) -> None:
    rules = own(NEED_THE_ASSIGNEE[how], "phoenix.own.task_complete")
    reads = reads_of(parser, {"own.rego": rules})
    assert reads.needed(DecisionPoint.COMPLETE, ["assignee"]) == ("assignee",)


@pytest.mark.parametrize("what", DO_NOT_NEED_IT)
def test_rules_that_read_something_else_do_not(parser: OpaEngine, what: str) -> None:
    rules = own(DO_NOT_NEED_IT[what], "phoenix.own.task_complete")
    reads = reads_of(parser, {"own.rego": rules})
    assert reads.needed(DecisionPoint.COMPLETE, ["assignee"]) == ()
    assert reads.needed(DecisionPoint.COMPLETE, ["task"]) == ("task",)
    assert reads.needed(DecisionPoint.ASSIGN, ["assignee"]) == ("assignee",)


def test_rules_in_the_place_of_shipped_ones_need_everything(parser: OpaEngine) -> None:
    """Those beside them, which are not analysed, hand them what nobody knows."""
    reads = reads_of(parser, {"gates.rego": own("unobjected(one) if one", "phoenix.gates")})
    assert reads.needed(DecisionPoint.COMPLETE, ["assignee"]) == ("assignee",)


async def test_an_engine_refuses_to_load_what_reads_an_unknown_path(
    policy_engine: PolicyEngine,
) -> None:
    good = small_bundle()
    modules = {**good.modules, "own.rego": own("deny contains 1 if input.subjct.amount > 10")}
    with pytest.raises(BundleRefused) as refused:
        await policy_engine.load(make_bundle(modules, good.data))
    (violation,) = refused.value.violations
    assert violation.field == "bundle.own.rego"
    assert "input.subjct.amount" in violation.text
    assert policy_engine.revision == ""


async def test_an_engine_says_what_the_loaded_rules_read(policy_engine: PolicyEngine) -> None:
    good = small_bundle()
    modules = {**good.modules, "own.rego": own("deny contains 1 if input.subject.amount > 10")}
    tests = await policy_engine.load(make_bundle(modules, good.data))
    assert tests.reads.paths[DecisionPoint.OPERATE] == {("subject", "amount")}

"""What the rules say in two ways, they say alike: of a group and of each, in short and in full.

`participant.discover` judges candidates with the same grants together, and `task.assign` answers
where nothing speaks against a candidate without asking what would. Both are compared with the
ordinary way, over inputs as they are sent and as they should not be.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opa_bindings import OpaEngine

from governance_svc.adapters.bundle_folder import shipped_bundle
from governance_svc.adapters.policy_engines.bundle_admission import inspector_source
from governance_svc.adapters.policy_engines.carried_batch import carried, put_together
from governance_svc.domain.policy.verdicts import DecisionStamp, read_verdicts
from phoenix_runtime.core.verdict import DecisionPoint, Verdict

CAPABILITIES = ["duplicate_detection", "customer_validation", "record_merge"]
DOMAINS = ["customer", "customer_master", "customer_contact"]
PERMISSIONS = ["read_customer_master", "read_customer", "suggest_merge", "nothing"]
CONSTRAINTS = [
    "human_approval_required_for_merge",
    "human_approval_required_for_assignment",
    "decision_rationale_required",
    "degraded_allowed",
    "unheard_of",
]
CALLER = {"subject": "sam", "participant": "", "owner": "", "roles": ["submitter"]}

OWN_RULE = """package phoenix.own.participant_discover

deny contains sprintf("Not %v.", [input.candidate.id]) if input.trust.general < 0.5
"""

few_examples = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def mostly(usual: st.SearchStrategy[Any], *odd: Any) -> st.SearchStrategy[Any]:
    """``usual``, and once in a while something else."""
    return st.integers(0, 19).flatmap(lambda n: st.sampled_from(odd) if n == 0 else usual)


def several(names: list[str]) -> st.SearchStrategy[Any]:
    """Some of ``names``, most often all of them."""
    some = st.lists(st.sampled_from(names), max_size=4)
    return mostly(st.sampled_from([names, names[:2]]), None, "x", []) | some


WANTED: Mapping[str, st.SearchStrategy[Any]] = {
    "task_id": st.just("task.1"),
    "required_capabilities": several(CAPABILITIES[:2]),
    "data_domains": several(DOMAINS),
    "risk_level": mostly(st.sampled_from(["low", "medium", "high"]), "huge", None),
    "policy_constraints": st.lists(mostly(st.sampled_from(CONSTRAINTS[:3]), *CONSTRAINTS)),
    "degraded_allowed": st.booleans(),
}
GRANTS: Mapping[str, st.SearchStrategy[Any]] = {
    "status": mostly(st.just("active"), "degraded", "retired", None),
    "capabilities": several(CAPABILITIES),
    "data_domains": several(DOMAINS),
    "permissions": several(PERMISSIONS),
    "trust_policy": mostly(st.just("enterprise-standard"), "", "regulated", "unheard_of"),
    "generation": st.integers(1, 2),
}
CERTIFIED = st.booleans()
TOTALS = mostly(st.sampled_from([0.29, 0.3, 0.5, 0.65, 0.7, 0.8, 1]), None, "0.9", {})


@st.composite
def candidates(draw: st.DrawFn, wanted: Any) -> Any:
    """Up to ten candidates for ``wanted`` and their trust; most share grants and certificates."""
    required = wanted["required_capabilities"]
    capabilities = draw(mostly(st.just(required if isinstance(required, list) else []), ["x"], []))
    each = {"min_size": len(capabilities), "max_size": len(capabilities)}
    kinds = [
        ({name: draw(grant) for name, grant in GRANTS.items()}, draw(st.lists(CERTIFIED, **each)))
        for _ in range(2)
    ]
    found = []
    for number in range(draw(st.integers(2, 10))):
        grants, certified = draw(st.sampled_from(kinds))
        scores = zip(capabilities, certified, draw(st.lists(TOTALS, **each)), strict=True)
        by_capability = {str(name): {"total": t, "certified": c} for name, c, t in scores}
        trust = {"general": draw(st.sampled_from([0.2, 0.6])), "by_capability": by_capability}
        candidate = {**grants, "id": draw(mostly(st.just(f"agent.{number}"), 5))}
        found.append({"candidate": candidate, "trust": draw(mostly(st.just(trust), None, {}))})
    return found


@st.composite
def batches(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A batch of a discovery."""
    wanted = {name: draw(value) for name, value in WANTED.items()}
    caller = draw(mostly(st.just(CALLER), {}, {"subject": ""}))
    return [{"caller": caller, "requirement": wanted, **one} for one in draw(candidates(wanted))]


APPROVALS = st.lists(
    st.fixed_dictionaries(
        {
            "approval_id": st.just("approval.1"),
            "task_id": st.just("task.1"),
            "action": st.sampled_from(["assign", "task.assign", "merge"]),
            "subject_hash": st.sampled_from(["h1", "h2"]),
            "status": st.sampled_from(["approved", "rejected", "pending"]),
            "decided_by": st.sampled_from(["human.1", "sam", ""]),
            "decider": st.just({"id": "human.1", "type": "human", "status": "active"}),
        }
    ),
    max_size=2,
)


@st.composite
def assignments(draw: st.DrawFn) -> dict[str, Any]:
    """A question of `task.assign`."""
    wanted = {name: draw(value) for name, value in WANTED.items()}
    one = {**draw(candidates(wanted))[0], "task": {**wanted, "submitter": "sam"}}
    return {**one, "approvals": draw(mostly(APPROVALS, None)), "subject_hash": "h1"}


def engine_with(*own: str) -> OpaEngine:
    """An engine with the shipped rules and rules of an installation."""
    engine, bundle = OpaEngine(), shipped_bundle()
    engine.add_policy("inspector.rego", inspector_source())
    for path, source in [*bundle.rules.items(), *((f"own_{one}.rego", one) for one in own)]:
        engine.add_policy(path, source)
    engine.add_data(bundle.data, "catalogue")
    return engine


@pytest.fixture(scope="module")
def shipped() -> OpaEngine:
    """An engine with the shipped rules."""
    return engine_with()


@pytest.fixture(scope="module")
def with_own_rules() -> OpaEngine:
    """An engine with a rule of an installation about discovery."""
    return engine_with(OWN_RULE)


def verdicts(engine: OpaEngine, batch: list[dict[str, Any]]) -> tuple[Verdict, ...]:
    """What governance reads in the engine's answer to a batch."""
    document = carried(DecisionPoint.DISCOVER, batch)
    answer: Any = engine.eval_document("phoenix_engine.answer", document)
    found = put_together(answer["shared"], batch) if "shared" in answer else answer["verdicts"]
    now = datetime(2026, 1, 1, tzinfo=UTC)
    stamp = DecisionStamp(DecisionPoint.DISCOVER, "opa.dec.1", "r", "h", now)
    return read_verdicts(found, [stamp] * len(batch))


@few_examples
@given(batch=batches())
def test_a_candidate_in_a_group_is_told_what_it_is_told_alone(
    shipped: OpaEngine, batch: list[dict[str, Any]]
) -> None:
    assert verdicts(shipped, batch) == tuple(verdicts(shipped, [one])[0] for one in batch)


@few_examples
@given(batch=batches())
def test_rules_of_an_installation_see_each_candidate_whole(
    with_own_rules: OpaEngine, batch: list[dict[str, Any]]
) -> None:
    alone = tuple(verdicts(with_own_rules, [one])[0] for one in batch)
    assert verdicts(with_own_rules, batch) == alone


@few_examples
@given(one=assignments())
def test_an_assignment_is_answered_in_short_as_in_full(
    shipped: OpaEngine, one: dict[str, Any]
) -> None:
    rules = "data.phoenix.task.assign"
    query = f"found := [{rules}.answer(input), {rules}.judged({rules}.with_approvals(input))]"
    short, full = shipped.eval_query(query, one)[0]["found"]
    assert short == full

"""Each refusal of a genuine credential says what to do that fits it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from assignment_svc.usecases.steps.permissions import acting_participant
from phoenix_runtime.core.errors import NotPermitted, role_missing
from phoenix_runtime.core.principal import Call, Principal, Role
from phoenix_runtime.core.verdict import Grants
from registry_svc.domain.declaration import Declaration
from registry_svc.domain.identity import enrolment
from registry_svc.domain.identity.enrolment import EnrolmentRequest
from registry_svc.domain.identity.orders import require_may_enrol
from registry_svc.domain.lifecycle import PARTICIPANT, RETIRED, SUSPENDED
from registry_svc.domain.participant import register

ROOT = Path(__file__).parents[3]
CODE = ("gateway", "phoenix_dma", "phoenix_runtime", *(p.name for p in ROOT.glob("*_svc")))
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
DECLARATION = Declaration(id="agent.a", type="agent", owner="acme", capabilities=("merge",))
OPERATOR = Principal(
    tenant="t", subject="ci", roles=frozenset({Role.SUBMITTER}), may_enrol=("agent.mine.*",)
)
AGENT = replace(OPERATOR, participant="agent.a", participant_type="agent", owner="acme")


def raised() -> Iterator[tuple[str, ast.Call]]:
    """Every place that makes one."""
    for package in CODE:
        for file in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("NotPermitted"):
                    yield f"{file.relative_to(ROOT)}:{node.lineno}", node


def test_there_is_no_remedy_for_all_of_them() -> None:
    assert not NotPermitted.remedy
    untold: Any = NotPermitted
    with pytest.raises(TypeError, match="remedy"):
        untold("No.")


def test_whoever_raises_one_says_what_to_do() -> None:
    found = list(raised())
    assert len(found) > 20
    assert not [where for where, call in found if "remedy" not in {k.arg for k in call.keywords}]


def known(status: Any) -> Any:
    made = register(None, DECLARATION, Grants(), actor=PARTICIPANT, at=NOON)
    return replace(made, status=status)


@pytest.mark.parametrize(
    ("refuse", "told"),
    [
        (lambda: role_missing("X", allowed=["reviewer"], held=[]), "roles: reviewer"),
        (
            lambda: enrolment.enrolled_principal(OPERATOR, EnrolmentRequest(participant_id="b")),
            "phoenix-dma enrol participant b",
        ),
        (
            lambda: enrolment.enrolled_principal(OPERATOR, EnrolmentRequest(roles=(Role.AUDITOR,))),
            "phoenix-dma role grant",
        ),
        (
            lambda: enrolment.require_enrollable(known(SUSPENDED), wanted()),
            "phoenix-dma participants reinstate agent.a",
        ),
        (lambda: enrolment.require_enrollable(known(RETIRED), wanted()), "choose another one"),
        (
            lambda: enrolment.require_enrollable(known(RETIRED), EnrolmentRequest(owner="x")),
            "phoenix-dma participants show agent.a",
        ),
        (lambda: require_may_enrol(AGENT), "as an operator"),
        (lambda: acting_participant(Call(OPERATOR, "c")), "phoenix-dma enrol participant"),
    ],
)
def test_the_remedy_fits(refuse: Callable[[], Any], told: str) -> None:
    try:
        refused = refuse()
    except NotPermitted as error:
        refused = error
    assert told in refused.remedy


def wanted() -> EnrolmentRequest:
    return EnrolmentRequest(participant_id="agent.a", owner="acme", participant_type="agent")

"""schemathesis reads the gateway's own OpenAPI document, and asks what it allows and what not.

Whatever it asks is answered as the document says: no 5xx; a status, a content type and a body that
are documented; no wrong data taken for sound, and nothing without a credential. What is drawn is
the same in every run; the long form, `test_rest_schema_long.py`, draws many times as much.
"""

from __future__ import annotations

from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig

from gateway.rest.openapi import openapi_document
from gateway.rest.routes import rest_routes
from tests.e2e.scenarios.intervals import ATTEMPT
from tests.robustness.bad_input.cases import AGENT, OPERATOR
from tests.robustness.bad_input.target import Target, runtime, target

__all__ = ["runtime", "target"]

EXAMPLES: Final = 6
"""For each operation."""
DOCUMENT: Final = openapi_document(rest_routes())
PARTICIPANTS_ONLY: Final = {
    path
    for path, item in DOCUMENT["paths"].items()
    if any("operator" not in told["description"] for told in item.values())
}


def described() -> Any:
    """The document as schemathesis reads it."""
    generation = GenerationConfig(deterministic=True, with_security_parameters=False)
    project = ProjectConfig(generation=generation)
    config = SchemathesisConfig(projects=ProjectsConfig(default=project))
    return schemathesis.openapi.from_dict(DOCUMENT, config=config)


load_all_checks()
SCHEMA: Final = described()
JUDGES: Final = CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
        "unsupported_method",
        "allow_header_conformance",
    ]
)


def drawn(examples: int) -> settings:
    """So many examples, the same ones in every run."""
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@SCHEMA.parametrize()  # type: ignore[untyped-decorator]
@drawn(EXAMPLES)
def test_what_it_documents_is_what_it_does(case: Any, target: Target) -> None:
    conforms(case, target)


def conforms(case: Any, target: Target) -> None:
    """Ask as the case says; the answer is one that the document describes."""
    who = AGENT if case.path in PARTICIPANTS_ONLY else OPERATOR
    rest = target.scenario.profile.rest
    answer = case.call(base_url=rest, headers=dict(target.bearer(who)), timeout=ATTEMPT)
    case.validate_response(answer, checks=JUDGES)


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("path", sorted(DOCUMENT["paths"]))
async def test_no_route_answers_without_a_credential(target: Target, path: str) -> None:
    for method in DOCUMENT["paths"][path]:
        answer = await target.rest.request(method, path)
        assert (answer.status_code, answer.json()["reason"]) == (401, "CREDENTIAL_INVALID")


@pytest.mark.asyncio(loop_scope="session")
async def test_the_document_is_served_to_whoever_has_a_credential(target: Target) -> None:
    assert (await target.rest.get("/openapi.json")).status_code == 401
    for who in (OPERATOR, AGENT):
        answer = await target.rest.get("/openapi.json", headers=dict(target.bearer(who)))
        assert answer.json() == DOCUMENT

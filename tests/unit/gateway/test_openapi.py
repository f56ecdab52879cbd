"""The document, judged by somebody else's validator and held against the routes."""

from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from gateway.problems import TITLES
from gateway.rest.openapi import openapi_document
from gateway.rest.routes import rest_routes

DOCUMENT: Any = openapi_document(rest_routes())


def operation(method: str, path: str) -> Any:
    return DOCUMENT["paths"][path][method]


def schema(name: str) -> Any:
    return DOCUMENT["components"]["schemas"][name]


def test_it_is_an_openapi_3_1_document() -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


def test_it_has_every_route_and_no_other() -> None:
    told = {(method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item}
    assert told == {(route.method, route.path) for route in rest_routes()}


def test_every_operation_tells_every_status_and_asks_for_a_credential() -> None:
    assert DOCUMENT["security"] == [{"bearer": []}]
    for route in rest_routes():
        told = operation(route.method.lower(), route.path)
        assert set(told["responses"]) == {"200", *map(str, TITLES)}
        assert all(role in told["description"] for role in route.rpc.roles)


def test_a_body_is_the_whole_request_or_the_field_that_it_fills() -> None:
    body = operation("post", "/participants/register")["requestBody"]
    assert body["required"]
    assert body["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/ParticipantDeclarationInput"
    }
    given = schema("ParticipantDeclarationInput")
    assert given["required"] == ["id", "type", "owner"]
    assert given["additionalProperties"] is False


def test_a_query_has_what_a_text_can_say() -> None:
    told = {one["name"]: one for one in operation("get", "/audit/events")["parameters"]}
    assert told["since"]["schema"]["anyOf"][0]["format"] == "date-time"
    assert told["type"]["schema"]["type"] == "array"
    assert all(one["in"] == "query" for one in told.values())


def test_a_mutation_takes_an_idempotency_key() -> None:
    names = {one["name"] for one in operation("post", "/tasks/submit")["parameters"]}
    assert names == {"Idempotency-Key", "request_id"}


@pytest.mark.parametrize(
    ("message", "field", "wanted"),
    [
        ("Receipt", "aggregate_version", "anyOf"),
        ("Participant", "status", "enum"),
        ("Participant", "metadata", "type"),
        ("Participant", "create_time", "format"),
    ],
)
def test_answers_are_described_as_they_are_written(message: str, field: str, wanted: str) -> None:
    assert wanted in schema(message)["properties"][field]

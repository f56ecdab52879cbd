"""The REST port: credentials, problems, limits, the open pages."""

import asyncio
import gzip
import json
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from phoenix_dma.v1 import common_pb2
from tests.integration.gateway.conftest import RunningGateway
from tests.support.fakes.gateway_backends import BROKEN
from tests.support.waiting.until import PATIENCE

TASK = {"task_id": "t", "objective": "o", "risk_level": "medium"}
JSON = {"content-type": "application/json"}
PROBLEM = "application/problem+json"


async def test_a_body_reaches_the_service_and_its_answer_comes_back_in_the_papers_json(
    gateway: RunningGateway,
) -> None:
    answer = await gateway.rest.post("/tasks/submit", json=TASK, headers=gateway.headers())
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    task = answer.json()["task"]
    assert (task["task_id"], task["risk_level"], task["status"]) == ("t", "medium", "pending")
    assert gateway.recorded.requests[0].task.risk_level == common_pb2.RISK_LEVEL_MEDIUM


async def test_the_callers_credential_goes_on_unchanged(gateway: RunningGateway) -> None:
    headers = gateway.headers("submitter", sub="sam")
    await gateway.rest.post("/tasks/submit", json=TASK, headers=headers)
    (seen,) = gateway.recorded.metadata
    assert seen["authorization"] == headers["authorization"]
    assert gateway.recorded.calls[0].actor == "sam"


async def test_the_idempotency_key_becomes_the_request_id(gateway: RunningGateway) -> None:
    headers = {**gateway.headers(), "idempotency-key": "retry-1"}
    await gateway.rest.post("/tasks/submit", json=TASK, headers=headers)
    assert gateway.recorded.requests[0].request_id == "retry-1"


async def test_a_query_reaches_the_service(gateway: RunningGateway) -> None:
    answer = await gateway.rest.get(
        "/participants/discover?required_capabilities=a,b&required_capabilities=c&risk_level=high",
        headers=gateway.headers(),
    )
    assert answer.status_code == 200
    assert MessageToDict(gateway.recorded.requests[0], preserving_proto_field_name=True) == {
        "required_capabilities": ["a", "b", "c"],
        "risk_level": "RISK_LEVEL_HIGH",
    }


@pytest.mark.parametrize("how", BROKEN)
async def test_a_call_whose_stream_breaks_behind_may_be_made_again(
    gateway: RunningGateway, how: str
) -> None:
    answer = await gateway.rest.get(f"/v1/tasks/{how}", headers=gateway.headers())
    assert (answer.status_code, answer.json()["reason"]) == (503, "UNAVAILABLE")


async def test_a_path_fills_the_fields_that_it_names(gateway: RunningGateway) -> None:
    answer = await gateway.rest.get("/v1/tasks/task.8841", headers=gateway.headers())
    assert (answer.status_code, answer.json()["task"]["task_id"]) == (200, "task.8841")
    assert gateway.recorded.requests[0].task_id == "task.8841"


async def test_a_body_cannot_name_what_the_path_names(gateway: RunningGateway) -> None:
    for said in ({"task_id": "task.2"}, {"task_id": "task.1"}, {"task_id": None}):
        answer = await gateway.rest.post(
            "/v1/tasks/task.1/start",
            json={"epoch": 1, **said},
            headers=gateway.headers("participant"),
        )
        assert answer.status_code == 400
        assert answer.json()["violations"] == [
            {"field": "task_id", "text": "is named by the path already"}
        ]
    assert gateway.recorded.calls == []


async def test_a_long_poll_reaches_the_service(gateway: RunningGateway) -> None:
    headers = gateway.headers("participant")
    path = "/v1/participants/agent.1/directives?wait=20s&known_directives=a,b"
    assert (await gateway.rest.get(path, headers=headers)).json() == {"directives": []}
    (request,) = gateway.recorded.requests
    assert list(request.known_directives) == ["a", "b"]
    assert request.wait.seconds == 20


async def test_a_path_with_several_methods_names_them_all(gateway: RunningGateway) -> None:
    answer = await gateway.rest.delete("/v1/tasks")
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


async def test_without_a_valid_credential_nothing_is_read(gateway: RunningGateway) -> None:
    for headers in (
        {},
        {"authorization": "Basic dXNlcjpzZWNyZXQ="},
        {"authorization": "Bearer nonsense"},
        gateway.headers("operator", audience="somebody-else"),
    ):
        answer = await gateway.rest.post("/tasks/submit", content=b"{", headers=headers)
        assert (answer.status_code, answer.json()["reason"]) == (401, "CREDENTIAL_INVALID")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert gateway.recorded.calls == []


async def test_two_credentials_are_refused_rather_than_guessed(gateway: RunningGateway) -> None:
    header = gateway.headers()["authorization"]
    twice = [("authorization", header), ("authorization", header)]
    answer = await gateway.rest.post("/tasks/submit", json=TASK, headers=twice)
    assert answer.status_code == 401


async def test_a_role_is_checked_before_anything_is_handed_on(gateway: RunningGateway) -> None:
    await gateway.backends.stop("assignment")
    answer = await gateway.rest.post("/tasks/submit", json=TASK, headers=gateway.headers("auditor"))
    assert (answer.status_code, answer.json()["reason"]) == (403, "NOT_PERMITTED")


async def test_a_refusal_is_a_problem_with_reason_facts_and_remedy(gateway: RunningGateway) -> None:
    answer = await gateway.rest.post("/tasks/assign", json=TASK, headers=gateway.headers())
    assert answer.status_code == 409
    assert answer.headers["content-type"] == PROBLEM
    problem = answer.json()
    assert problem["type"] == "urn:phoenix-dma:problem:no-eligible-participant"
    assert problem["reason"] == "NO_ELIGIBLE_PARTICIPANT"
    assert problem["detail"] == "Nobody can take it"
    assert problem["facts"] == {"agent.1": "trust_ok"}
    assert problem["remedy"].startswith("Wait until somebody joins")
    assert problem["correlation_id"].startswith("audit.corr.")


async def test_violations_are_listed_by_the_callers_own_paths(gateway: RunningGateway) -> None:
    body = {"id": "a", "trust_score": "high", "nickname": "x"}
    answer = await gateway.rest.post(
        "/participants/register", json=body, headers=gateway.headers("participant")
    )
    assert answer.status_code == 400
    fields = {violation["field"] for violation in answer.json()["violations"]}
    assert fields == {"trust_score", "nickname", "type", "owner"}


@pytest.mark.parametrize(
    ("content", "headers", "status", "reason"),
    [
        (b'{"task_id": "t", "task_id": "u"}', JSON, 400, "MALFORMED_BODY"),
        (b'{"task_id": "\xff"}', JSON, 400, "MALFORMED_BODY"),
        (b"{", JSON, 400, "MALFORMED_BODY"),
        (
            gzip.compress(b"{}", mtime=0),
            {**JSON, "content-encoding": "gzip"},
            400,
            "MALFORMED_BODY",
        ),
        (b"a=b", {"content-type": "application/x-www-form-urlencoded"}, 415, None),
        (b"[]", JSON, 400, "FIELD_INVALID"),
        (b"{" + b" " * (9 << 20) + b"}", JSON, 413, "TOO_LARGE"),
    ],
)
async def test_what_cannot_be_read_is_said_to_be_so(
    gateway: RunningGateway,
    content: bytes,
    headers: dict[str, str],
    status: int,
    reason: str | None,
) -> None:
    answer = await gateway.rest.post(
        "/tasks/submit", content=content, headers={**gateway.headers(), **headers}
    )
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
    assert answer.json()["reason"] == (reason or "UNSUPPORTED_MEDIA_TYPE")


async def test_a_body_without_an_announced_length_is_counted_while_it_arrives(
    gateway: RunningGateway,
) -> None:
    async def endless() -> Any:
        for _ in range(100):
            yield b" " * (1 << 20)

    answer = await gateway.rest.post(
        "/tasks/submit", content=endless(), headers={**gateway.headers(), **JSON}
    )
    assert (answer.status_code, answer.json()["reason"]) == (413, "TOO_LARGE")


async def test_a_body_is_read_as_json_where_the_client_does_not_say(
    gateway: RunningGateway,
) -> None:
    answer = await gateway.rest.post(
        "/tasks/submit", content=json.dumps(TASK), headers=gateway.headers()
    )
    assert answer.status_code == 200


async def test_a_path_that_is_not_there_is_a_problem(gateway: RunningGateway) -> None:
    answer = await gateway.rest.get("/v1/taskz")
    problem = answer.json()
    assert (answer.status_code, problem["reason"]) == (404, "ROUTE_NOT_FOUND")
    assert problem["facts"] == {"path": "/v1/taskz", "nearest": "/v1/tasks"}
    assert "/openapi.json" in problem["remedy"]
    answer = await gateway.rest.get("/tasks/submit")
    problem = answer.json()
    assert (answer.status_code, problem["reason"]) == (405, "METHOD_NOT_ALLOWED")
    assert (answer.headers["allow"], problem["facts"]) == ("POST", {"allowed": "POST"})


async def test_every_problem_has_a_correlation_id_and_a_remedy(gateway: RunningGateway) -> None:
    rest, headers = gateway.rest, gateway.headers()
    long = {**headers, "x-long": "a" * (33 << 10)}
    answers = [
        await rest.get("/nothing"),
        await rest.get("/tasks/submit"),
        await rest.post("/healthz"),
        await rest.get("/metrics"),
        await rest.get("/metrics", headers=gateway.headers("participant")),
        await rest.get("/openapi.json"),
        await rest.post("/tasks/submit", json=TASK),
        await rest.post("/tasks/submit", json=TASK, headers=long),
        await rest.post("/tasks/submit", content=b"{", headers={**headers, **JSON}),
        await rest.post("/tasks/submit", content=b"a", headers={**headers, "content-type": "a/b"}),
        await rest.post("/tasks/submit", content=b" " * (9 << 20), headers={**headers, **JSON}),
    ]
    assert [answer.status_code for answer in answers] == [
        *(404, 405, 405, 401, 403, 401, 401, 413, 400, 415, 413)
    ]
    ids = {answer.json()["correlation_id"] for answer in answers}
    assert len(ids) == len(answers)
    assert all(one.startswith("audit.corr.") for one in ids)
    assert all(answer.json()["remedy"] for answer in answers)
    assert "headers" in answers[7].json()["remedy"]


async def test_a_service_that_is_away_is_a_503_with_a_delay(gateway: RunningGateway) -> None:
    await gateway.backends.stop("assignment")
    answer = await gateway.rest.post("/tasks/submit", json=TASK, headers=gateway.headers())
    assert (answer.status_code, answer.json()["reason"]) == (503, "UNAVAILABLE")
    assert answer.headers["retry-after"] == "1"
    assert "127.0.0.1" not in answer.text


async def test_alive_and_ready_are_open_and_ready_names_what_is_missing(
    gateway: RunningGateway,
) -> None:
    assert (await gateway.rest.get("/healthz")).json() == {"status": "ok"}
    await ready(gateway, 200)
    await gateway.backends.stop("state")
    answer = await ready(gateway, 503)
    assert answer["services"] == {
        "assignment": "serving",
        "governance": "serving",
        "registry": "serving",
        "state": "not_serving",
    }
    assert (await gateway.rest.get("/healthz")).status_code == 200


async def test_metrics_are_for_operators_and_auditors(gateway: RunningGateway) -> None:
    await gateway.rest.post("/tasks/submit", json=TASK, headers=gateway.headers())
    assert (await gateway.rest.get("/metrics")).status_code == 401
    refused = await gateway.rest.get("/metrics", headers=gateway.headers("participant"))
    assert refused.status_code == 403
    shown = await gateway.rest.get("/metrics", headers=gateway.headers("auditor"))
    assert 'phoenix_dma_rest_requests_total{method="POST",route="/tasks/submit"' in shown.text


async def ready(gateway: RunningGateway, status: int) -> Any:
    """Ask until the answer has ``status``: the gateway learns of others by watching them."""
    async with asyncio.timeout(PATIENCE):
        while True:
            answer = await gateway.rest.get("/readyz")
            if answer.status_code == status:
                return answer.json()

"""Every REST route asks for a credential, and for one of its roles."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
import pytest_asyncio

from gateway.rest.routes import RestRoute, rest_routes
from phoenix_dma.errors import CredentialInvalid, NotPermitted
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.chassis.schema import Role
from phoenix_runtime.local.runtime import LocalRuntime
from tests.e2e.scenarios.scenario import STEWARD, Scenario
from tests.e2e.scenarios.unauthenticated import PEOPLE, bad_tokens
from tests.support.servers.http import http_client

ROUTES = {f"{route.method} {route.path}": route for route in rest_routes()}


@pytest_asyncio.fixture
async def closed(runtime: LocalRuntime) -> AsyncIterator[Scenario]:
    """A tenant in which nothing is ever changed."""
    async with Scenario(runtime, new_id("tenant")) as scenario:
        yield scenario
        evidence = await scenario.evidence()
        assert {event.type for event in evidence.events} <= {"ACCESS_REFUSED", "POLICY_ACTIVATED"}
        assert not [*evidence.tasks, *evidence.participants, *evidence.handoffs]


async def request(scenario: Scenario, route: RestRoute, token: str) -> httpx.Response:
    """Ask for a route, with every parameter filled in, as a client of its own."""
    path = re.sub(r"\{[^}]*\}", "x.1", route.path)
    headers = {"authorization": f"Bearer {token}"} if token else {}
    body: Mapping[str, Any] | None = {} if route.body else None
    async with http_client(f"http://{scenario.runtime.address('rest')}") as client:
        return await client.request(route.method, path, headers=headers, json=body)


@pytest.mark.parametrize("name", ROUTES)
async def test_a_missing_or_wrong_credential_is_refused(closed: Scenario, name: str) -> None:
    for wrong, token in bad_tokens(closed):
        refused = await request(closed, ROUTES[name], token)
        assert refused.status_code == 401, wrong
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.headers["www-authenticate"].startswith("Bearer")
        assert refused.json()["reason"] == CredentialInvalid.reason, wrong
        assert "Traceback" not in refused.text


@pytest.mark.parametrize("name", ROUTES)
async def test_a_credential_without_any_of_the_roles_is_refused(
    closed: Scenario, name: str
) -> None:
    route = ROUTES[name]
    others = [role.value for role in PEOPLE if role not in route.rpc.roles]
    refused = await request(closed, route, closed.participant_token(STEWARD, roles=others))
    if Role.ENROLLER in route.rpc.roles:
        assert (refused.status_code, refused.json()["reason"]) == (401, CredentialInvalid.reason)
        return
    if others:
        assert (refused.status_code, refused.json()["reason"]) == (403, NotPermitted.reason)
    enrolling = await request(closed, route, closed.enrolment())
    assert (enrolling.status_code, enrolling.json()["reason"]) == (401, CredentialInvalid.reason)

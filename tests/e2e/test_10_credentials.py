"""Every RPC asks for a credential, at the gateway and at its own service, unary or streaming."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import grpc.aio
import pytest
import pytest_asyncio
from grpc.aio import AioRpcError
from grpc_reflection.v1alpha import reflection

from phoenix_dma.aio.rpc.errors import error_of
from phoenix_dma.errors import (
    CredentialInvalid,
    NotPermitted,
)
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.chassis.rpc.credentials import ENROLMENT_AUDIENCE
from phoenix_runtime.chassis.schema import rpcs
from phoenix_runtime.core.principal import Role
from phoenix_runtime.local.health import serves
from phoenix_runtime.local.runtime import LocalRuntime
from tests.e2e.scenarios.intervals import ATTEMPT
from tests.e2e.scenarios.rpc_caller import PARTS, RpcCaller, closed, filled, ports_of
from tests.e2e.scenarios.scenario import STEWARD, Scenario
from tests.e2e.scenarios.unauthenticated import PEOPLE, bad_tokens


@pytest_asyncio.fixture
async def caller(runtime: LocalRuntime) -> AsyncIterator[RpcCaller]:
    """A caller whose refused calls leave nothing but ACCESS_REFUSED events."""
    async with Scenario(runtime, new_id("tenant")) as scenario:
        caller = RpcCaller(scenario)
        yield caller
        await caller.close()
        evidence = await scenario.evidence()
        told = {event.type for event in evidence.events}
        assert told <= {"ACCESS_REFUSED", "POLICY_ACTIVATED"}
        left = [*evidence.tasks, *evidence.participants, *evidence.handoffs]
        assert not left


@pytest.mark.parametrize("service", PARTS)
async def test_a_missing_wrong_or_expired_credential_is_refused_everywhere(
    service: str, caller: RpcCaller
) -> None:
    calls = [
        (part, rpc.path, wrong, caller.call(rpc, part, token))
        for rpc in closed(service)
        for part in ports_of(rpc)
        for wrong, token in bad_tokens(caller.scenario)
    ]
    answers = await asyncio.gather(*(call for *_, call in calls))
    let_in = [
        (*where, answer)
        for (*where, _), answer in zip(calls, answers, strict=True)
        if answer != CredentialInvalid.reason
    ]
    assert not let_in


@pytest.mark.parametrize("service", PARTS)
async def test_a_credential_without_any_of_the_roles_is_refused(
    service: str, caller: RpcCaller
) -> None:
    scenario = caller.scenario
    enrolment = scenario.enrolment()
    for rpc in closed(service):
        others = [role.value for role in PEOPLE if role not in rpc.roles]
        token = scenario.participant_token(STEWARD, roles=others)
        for part in ports_of(rpc):
            if Role.ENROLLER in rpc.roles:
                assert await caller.call(rpc, part, token) == CredentialInvalid.reason
            elif others:
                assert await caller.call(rpc, part, token) == NotPermitted.reason, rpc.path
                assert await caller.call(rpc, part, enrolment) == CredentialInvalid.reason


@pytest.mark.parametrize("part", sorted(set(PARTS.values())))
async def test_reflection_asks_for_a_credential_too_and_health_does_not(
    part: str, caller: RpcCaller
) -> None:
    async with grpc.aio.insecure_channel(caller.scenario.runtime.address(part)) as channel:
        untyped: Any = channel
        opened = untyped.stream_stream(f"/{reflection.SERVICE_NAME}/ServerReflectionInfo")
        with pytest.raises(AioRpcError) as shut:
            await opened(timeout=ATTEMPT).read()
        assert error_of(shut.value).reason == CredentialInvalid.reason
    assert await serves(caller.scenario.runtime.address(part))


async def test_an_enrolment_credential_opens_nothing_but_enrol_and_only_for_its_own(
    caller: RpcCaller,
) -> None:
    scenario = caller.scenario
    enrol = rpcs()["/phoenix_dma.v1.IdentityService/Enrol"]
    said: dict[str, Any] = {
        "sub": "operator",
        "roles": ["submitter"],
        "may_enrol": ["agent.mine.*"],
    }
    narrow = scenario.token(audience=ENROLMENT_AUDIENCE, life=timedelta(hours=1), **said)
    for part in ports_of(enrol):
        mine = filled(enrol, participant_id="agent.mine.1", owner="x")
        assert (await caller.call(enrol, part, narrow, mine)).startswith("[")
        other = filled(enrol, participant_id=STEWARD, owner="x")
        assert await caller.call(enrol, part, narrow, other) == NotPermitted.reason
        more: Any = filled(enrol)
        more.roles.append(3)  # operator
        assert await caller.call(enrol, part, narrow, more) == NotPermitted.reason

"""Whoever tries a privileged call without its role is refused, and it stands in the audit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from phoenix_dma.errors import NotPermitted
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.chassis.schema import Rpc, rpcs
from phoenix_runtime.core.events import AuditEvent
from phoenix_runtime.local.runtime import LocalRuntime
from tests.e2e.scenarios.rpc_caller import RpcCaller, filled, ports_of
from tests.e2e.scenarios.scenario import Scenario
from tests.e2e.scenarios.unauthenticated import PEOPLE
from tests.support.waiting.until import until

PRIVILEGED = sorted((rpc for rpc in rpcs().values() if rpc.privileged), key=lambda rpc: rpc.path)
TARGETS = {
    "identity": "human.target",
    "participant_id": "agent.target",
    "approval_id": "approval.target",
    "certification_id": "cert.target",
}


@pytest_asyncio.fixture
async def caller(runtime: LocalRuntime) -> AsyncIterator[RpcCaller]:
    async with Scenario(runtime, new_id("tenant")) as scenario:
        caller = RpcCaller(scenario)
        yield caller
        await caller.close()


@pytest.mark.parametrize("rpc", PRIVILEGED, ids=lambda rpc: rpc.method)
async def test_a_privileged_call_without_its_role_is_refused_and_audited(
    rpc: Rpc, caller: RpcCaller
) -> None:
    others = [role.value for role in PEOPLE if role not in rpc.roles]
    request = filled(rpc, **TARGETS)
    parts = ports_of(rpc)
    for part in parts:
        token = caller.scenario.participant_token(f"agent.{part}", roles=others)
        assert await caller.call(rpc, part, token, request) == NotPermitted.reason

    async def look() -> list[AuditEvent] | None:
        events = (await caller.scenario.evidence()).events
        found = [event for event in events if event.type == "ACCESS_REFUSED"]
        return found if len(found) >= len(parts) else None

    events = await until(look)
    assert sorted(event.actor for event in events) == sorted(f"agent.{part}" for part in parts)
    for event in events:
        assert event.reason_code == "credential_misused"
        detail: Any = event.detail
        facts = detail["facts"]
        assert rpc.method in facts["because"]
        named = [name for name in TARGETS if getattr(request, name, "")]
        assert {name: facts[name] for name in named} == {name: TARGETS[name] for name in named}

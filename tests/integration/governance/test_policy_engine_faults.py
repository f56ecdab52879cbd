"""The service without its policy engine, and with one that dies."""

import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from phoenix_dma.v1 import audit_pb2
from phoenix_runtime.core.errors import (
    PolicyEngineUnavailable,
)
from tests.integration.governance.conftest import Governance
from tests.integration.governance.participants import (
    assign,
)
from tests.support.builders.audit_events import audit_event
from tests.support.processes.process_tree import children_of
from tests.support.servers.opa import Answering, http
from tests.support.waiting.until import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_without_an_engine_every_decision_is_refused_and_the_ledger_goes_on(
    start: Callable[..., Awaitable[Governance]],
) -> None:
    governance = await start(opa_url="http://127.0.0.1:9")
    with pytest.raises(PolicyEngineUnavailable):
        await assign(governance)
    await governance.append(audit_event(governance.tenant))
    request = audit_pb2.ListAuditEventsRequest()
    with pytest.raises(PolicyEngineUnavailable):
        await governance.as_person(governance.audit.ListAuditEvents, request, "auditor")


@pytest.mark.parametrize(
    "answer", [b"{}", b'{"result": true}', b'{"code": "x", "message": "y"}', b"<html>"], ids=str
)
async def test_a_service_starts_with_an_engine_that_answers_nonsense_and_allows_nothing(
    start: Callable[..., Awaitable[Governance]], answer: bytes
) -> None:
    status = "500 " if b"code" in answer else "200 OK"
    async with Answering(http(status, answer)) as opa:
        governance = await start(opa_url=opa.url)
        with pytest.raises(PolicyEngineUnavailable, match="No policy is loaded: The "):
            await assign(governance)


async def test_an_engine_that_was_killed_is_replaced_and_decides_again(
    start: Callable[..., Awaitable[Governance]],
) -> None:
    others = set(_engine_processes())
    governance = await start()
    before = await assign(governance)
    children = set(_engine_processes()) - others
    for child in children:
        os.kill(child, signal.SIGKILL)
    assert children

    async def look() -> Any:
        try:
            return await assign(governance)
        except PolicyEngineUnavailable:
            return None

    after = await until(look)
    assert after.policy_revision == before.policy_revision


def _engine_processes() -> list[int]:
    """Children of this very process that run a policy engine."""
    children = children_of(os.getpid())
    return [pid for pid in children if b"engine_child" in Path(f"/proc/{pid}/cmdline").read_bytes()]

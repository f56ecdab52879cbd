"""A runtime asks governance for a real decision before it is up; what is none is said."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path

import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError, Metadata

from phoenix_dma.v1 import common_pb2
from phoenix_runtime.local import decisions
from phoenix_runtime.local.decisions import CannotDecide, require_decisions
from tests.integration.governance.conftest import Governance
from tests.support.fakes.opa import FakeOpa
from tests.support.waiting.until import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def required(governance: Governance, opa_url: str | None, folder: Path) -> None:
    address = governance.channels._settings.governance_address
    token = governance.keys.token("operator", tenant=governance.tenant)
    log = folder / "governance.log"
    log.write_text("what the service said last\n")
    await require_decisions(address, lambda: token, opa_url, log)


async def test_an_engine_that_decides_is_enough(governance: Governance, tmp_path: Path) -> None:
    await required(governance, None, tmp_path)


async def test_an_engine_that_is_away_is_said_with_the_log_and_what_to_do(
    start: Callable[..., Awaitable[Governance]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "DECISION_SECONDS", 0.0)
    governance = await start(opa_url="http://127.0.0.1:9")
    with pytest.raises(CannotDecide) as refused:
        await required(governance, "http://127.0.0.1:9", tmp_path)
    assert "The OPA at 127.0.0.1:9" in str(refused.value)
    assert "what the service said last" in str(refused.value)
    with pytest.raises(CannotDecide, match="phoenix-dma up --opa-url"):
        await required(governance, None, tmp_path)


async def test_each_try_has_a_token_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token lives as long as a start waits: the last try would tell of one that has expired."""
    made, asked = count(), []

    async def decision(_: str, token: str) -> common_pb2.PolicyVerdict:
        asked.append(token)
        if len(asked) < 3:
            none = Metadata()
            raise AioRpcError(StatusCode.UNAVAILABLE, none, none, "No policy is loaded", "")
        return common_pb2.PolicyVerdict(policy="phoenix")

    monkeypatch.setattr(decisions, "decision", decision)
    monkeypatch.setattr(decisions, "DECISION_SECONDS", PATIENCE)
    await require_decisions("", lambda: f"token {next(made)}", None, tmp_path / "log")
    assert asked == ["token 0", "token 1", "token 2"]


async def test_an_opa_whose_answers_are_no_decisions_is_not_waited_for(
    start: Callable[..., Awaitable[Governance]], tmp_path: Path
) -> None:
    async with FakeOpa() as opa:
        governance = await start(opa_url=opa.url)
        await required(governance, opa.url, tmp_path)
        with (
            opa.failing('a verdict that says "allow": "true"'),
            pytest.raises(CannotDecide, match="could not be read"),
        ):
            await required(governance, opa.url, tmp_path)

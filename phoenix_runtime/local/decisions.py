"""Asks governance for a real decision: a runtime whose policy cannot decide is not up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

import grpc
import grpc.aio
from google.rpc import error_details_pb2

from phoenix_dma.v1 import common_pb2, governance_pb2, governance_pb2_grpc
from phoenix_dma.wire.status_details import detail_of, rich_status_of
from phoenix_runtime.core.verdict import ENGINE, DecisionPoint
from phoenix_runtime.local.errors import LocalRuntimeError, host_of
from phoenix_runtime.local.health import NO_PROXY
from phoenix_runtime.local.processes.supervisor import tail

DECISION_SECONDS: Final = 120.0
"""Governance serves once it has tried to load its policy. Where a busy machine cut that off, it is
tried again, with a minute for each step; an engine that is away is asked every second."""
CALL_SECONDS: Final = 15.0
POLL_SECONDS: Final = 0.2


class CannotDecide(LocalRuntimeError):
    """Governance answers no decision, or what its policy engine answers is none."""

    reason = "POLICY_ENGINE_UNAVAILABLE"


async def decision(address: str, token: str) -> common_pb2.PolicyVerdict:
    """Return a decision without effect by the governance service at ``address``.

    Raises `grpc.aio.AioRpcError`: UNAVAILABLE without an engine or without a bundle.
    """
    async with grpc.aio.insecure_channel(address, NO_PROXY) as channel:
        stub: governance_pb2_grpc.GovernanceServiceAsyncStub = (
            governance_pb2_grpc.GovernanceServiceStub(channel)
        )
        request = governance_pb2.TryPolicyRequest(point=DecisionPoint.READ_AUDIT)
        request.input.SetInParent()
        metadata = (("authorization", f"Bearer {token}"),)
        answer = await stub.TryPolicy(request, metadata=metadata, timeout=CALL_SECONDS)
    return answer.verdict


def fault_of(verdict: common_pb2.PolicyVerdict) -> str:
    """Return why a verdict is no decision of policy; an empty text for a yes or a no."""
    if verdict.policy != ENGINE:
        return ""
    return "; ".join(reason.text for reason in verdict.reasons)


async def require_decisions(
    address: str,
    token: Callable[[], str],
    opa_url: str | None,
    log: Path,
    mend: str = "",
) -> None:
    """Raise `CannotDecide` unless governance decides, within `DECISION_SECONDS`.

    What is certainly no engine is not waited for. ``token`` makes a new one for each try: one lives
    no longer than this waits. ``mend`` is the advice where there is no embedded engine.
    """
    deadline = asyncio.get_running_loop().time() + DECISION_SECONDS
    while True:
        try:
            fault = fault_of(await decision(address, token()))
        except grpc.aio.AioRpcError as error:
            fault, lasting = error.details() or error.code().name, _lasting(error)
            waited_for = error.code() is grpc.StatusCode.UNAVAILABLE and not lasting
        else:
            waited_for = lasting = False
        if not fault:
            return
        if not waited_for or asyncio.get_running_loop().time() > deadline:
            raise _cannot_decide(fault, opa_url, log, mend if lasting else "")
        await asyncio.sleep(POLL_SECONDS)


def _lasting(error: grpc.aio.AioRpcError) -> bool:
    """Whether governance says that somebody has to do something about its engine."""
    found = detail_of(rich_status_of(error), error_details_pb2.ErrorInfo)
    return found is not None and "lasting" in found.metadata


def _cannot_decide(fault: str, opa_url: str | None, log: Path, mend: str) -> CannotDecide:
    if opa_url:
        advice = (
            f"The OPA at {host_of(opa_url)} has to take policies and answer queries (`opa run"
            " --server`); without --opa-url the embedded engine decides."
        )
    else:
        advice = mend or (
            "Start it again once the machine is less busy; or name an OPA of your own: phoenix-dma "
            "up --opa-url http://127.0.0.1:8181."
        )
    return CannotDecide(
        f"policy cannot decide, so nothing could be done: {fault}\n"
        f"The log {log} ends:\n{tail(log)}",
        {"log": log, **({"server": host_of(opa_url)} if opa_url else {})},
        remedy=advice,
    )

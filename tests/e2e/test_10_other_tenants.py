"""Whatever belongs to another tenant is not found (I12)."""

from __future__ import annotations

import asyncio
from typing import Any

from phoenix_dma.errors import (
    AssignmentLost,
    NotFound,
    NotPermitted,
    OfferLapsed,
    PolicyDenied,
)
from phoenix_dma.v1 import handoff_pb2
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.chassis.schema import Rpc, fields_of
from phoenix_runtime.core.principal import Role
from phoenix_runtime.local.runtime import LocalRuntime
from tests.e2e.scenarios.rpc_caller import CLOSED, RpcCaller, filled, ports_of
from tests.e2e.scenarios.scenario import BACKUP, STEWARD, TASK, Scenario
from tests.e2e.scenarios.unauthenticated import PEOPLE


async def test_what_another_tenant_owns_is_not_found(
    runtime: LocalRuntime, scenario: Scenario
) -> None:
    """Every RPC that names something, asked for what belongs to another tenant."""
    steward = await scenario.participant(STEWARD)
    backup = await scenario.participant(BACKUP)
    await scenario.submit(objective="the secret of the first tenant")
    await steward.take(TASK)
    certified = await (await scenario.operator()).certify(STEWARD, "policy_check", evidence="seen")
    handoff = await (await scenario.operator()).hand_off(TASK)
    offer = await backup.directive("receive_handoff", TASK)
    before = await scenario.story(TASK)
    known = names_of(handoff, offer.offer_id, certified.certification_id)
    asked = [rpc for rpc in CLOSED if not (rpc.services_only or Role.ENROLLER in rpc.roles)]
    async with Scenario(runtime, new_id("tenant")) as other:
        caller = RpcCaller(other)
        # First and together whatever could touch the offer, which lapses after a while.
        offered = [rpc for rpc in asked if OFFERED & _texts(rpc)]
        await asyncio.gather(*(tells_nothing(caller, rpc, known) for rpc in offered))
        assert await scenario.story(TASK) == before
        await backup.accept(offer)
        before = await scenario.story(TASK)
        for rpc in asked:
            await tells_nothing(caller, rpc, known)
        await caller.close()
    assert await scenario.story(TASK) == before


def names_of(handoff: handoff_pb2.Handoff, offer_id: str, certification_id: str) -> dict[str, str]:
    """Everything that the first tenant owns, by the names of fields that may ask for it."""
    return {
        "task_id": TASK,
        "task": TASK,
        "participant_id": STEWARD,
        "participant": STEWARD,
        "source": STEWARD,
        "handoff_id": handoff.handoff_id,
        "handoff": handoff.handoff_id,
        "offer_id": offer_id,
        "received_hash": handoff.context.hash,
        "certification_id": certification_id,
        "context_ref": f"phoenix://context/{TASK}",
        "correlation_id": handoff.correlation_id,
        "decision_id": handoff.policy_decision_id or "opa.dec.1",
    }


async def tells_nothing(caller: RpcCaller, rpc: Rpc, known: dict[str, str]) -> None:
    """The RPC, called with every role of another tenant, answers nothing of what is known."""
    token = caller.scenario.participant_token(STEWARD, roles=[role.value for role in PEOPLE])
    request = filled(rpc, **_fitting(rpc, known))
    for part in ports_of(rpc):
        answer = await caller.call(rpc, part, token, request)
        assert "secret of the first" not in answer, rpc.path
        assert known["correlation_id"] not in answer, rpc.path
        assert _tells_nothing(rpc, answer), (rpc.path, answer)


OFFERED = {"offer_id", "handoff_id"}
"""What names an offer."""


def _fitting(rpc: Rpc, known: dict[str, str]) -> dict[str, Any]:
    """Values for fields that are texts; ``participant`` and ``task`` are messages elsewhere."""
    inner = {"task_id", "participant_id"}
    return {name: value for name, value in known.items() if name in _texts(rpc) | inner}


def _texts(rpc: Rpc) -> set[str]:
    asked: Any = rpc.request.DESCRIPTOR
    return {field.name for field in fields_of(asked) if field.type == field.TYPE_STRING}


OWN = {
    # What these make or find belongs to the tenant that asks.
    "RegisterParticipant",
    "RenewCredential",
    "CreateEnrolment",
    "SubmitTask",
    "AssignTask",
    "ExplainAssignment",
    "GetCatalogue",
    "TryPolicy",
    "GrantCertification",
    "Heartbeat",
    "KeepAlive",
}


def _tells_nothing(rpc: Rpc, answer: str) -> bool:
    """Not found, refused for another reason, or an answer that names nothing of theirs."""
    if rpc.method in OWN or not answer.startswith("["):
        return rpc.method in OWN or answer in {
            NotFound.reason,
            NotPermitted.reason,
            PolicyDenied.reason,
            OfferLapsed.reason,
            AssignmentLost.reason,
            "FIELD_INVALID",
        }
    return TASK not in answer and STEWARD not in answer

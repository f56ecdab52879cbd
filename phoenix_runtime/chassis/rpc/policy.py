"""The policy port over gRPC: a batch of inputs gets one verdict each, or no decision at all."""

import time
from collections.abc import Sequence
from typing import Final

from phoenix_dma.v1 import governance_pb2, governance_pb2_grpc
from phoenix_dma.v1.governance_pb2 import EvaluatePoliciesRequest as _Request
from phoenix_runtime.chassis.rpc.channels import Channels
from phoenix_runtime.chassis.rpc.conversions import verdict_from_pb
from phoenix_runtime.chassis.rpc.json_texts import batch_text, json_value
from phoenix_runtime.chassis.rpc.parts import in_parts
from phoenix_runtime.chassis.rpc.structs import json_to_struct
from phoenix_runtime.core.errors import FieldInvalid, PolicyEngineUnavailable, Unavailable
from phoenix_runtime.core.json import Json, JsonObject
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import DecisionPoint, Verdict

SERVICE = "governance"
INPUTS = 256
"""Inputs that one request has at most."""
NEEDED_SECONDS: Final = 60.0
"""How long a tenant is not asked without a part that its rules may read; they rarely change."""
MOST_NEEDED: Final = 10_000
"""Tenants of which that is remembered; beyond, all are forgotten and learned again."""


class GovernancePolicy:
    """The `Policy` port over gRPC."""

    def __init__(self, channels: Channels) -> None:
        self._channels = channels
        self._stub: governance_pb2_grpc.GovernanceServiceAsyncStub = (
            governance_pb2_grpc.GovernanceServiceStub(channels.channel(SERVICE))
        )
        self._needed: dict[tuple[str, DecisionPoint, str], float] = {}
        """Until when a part of an input is taken to be needed."""

    async def evaluate(
        self, call: Call, point: DecisionPoint, inputs: Sequence[JsonObject]
    ) -> tuple[Verdict, ...]:
        """One verdict an input, in order.

        Raises `PolicyEngineUnavailable` where no decision could be had (I9).
        """

        async def ask(some: Sequence[JsonObject]) -> Sequence[Verdict]:
            verdicts = _verdicts(await self._ask(call, _Request(point=point), some))
            if len(verdicts) != len(some):
                raise PolicyEngineUnavailable("Governance answered another number of verdicts")
            return verdicts

        return tuple(await in_parts(inputs, ask, largest=INPUTS))

    async def evaluate_without(
        self, call: Call, point: DecisionPoint, policy_input: JsonObject, left_out: str
    ) -> Verdict | None:
        """The verdict on an input without a part; None where a rule of the tenant may read that.

        ``left_out`` names the part (`core.policy_inputs.points.MAY_BE_LEFT_OUT`). Raises
        `PolicyEngineUnavailable` where no decision could be had (I9).
        """
        part = call.tenant, point, left_out
        if self._needed.get(part, 0.0) > time.monotonic():
            return None
        answer = await self._ask(call, _Request(point=point, left_out=[left_out]), [policy_input])
        # A service that does not know the field would let rules find nothing where something is.
        if left_out in answer.unread and len(answer.verdicts) == 1:
            return _verdicts(answer)[0]
        if len(self._needed) >= MOST_NEEDED:
            self._needed.clear()
        self._needed[part] = time.monotonic() + NEEDED_SECONDS
        return None

    async def _ask(
        self, call: Call, request: _Request, inputs: Sequence[JsonObject]
    ) -> governance_pb2.EvaluatePoliciesResponse:
        """Ask about ``inputs``: as a text or, where that is refused, as messages.

        A governance of an older release finds no inputs in a text; and what is wrong with an input
        is told as ever.
        """
        try:
            request.batch = batch_text(inputs)
            return await self._send(call, request)
        except (FieldInvalid, TypeError, ValueError):
            request.ClearField("batch")
            request.inputs.extend(map(json_to_struct, inputs))
            return await self._send(call, request)

    async def _send(self, call: Call, request: _Request) -> governance_pb2.EvaluatePoliciesResponse:
        try:
            return await self._channels.ask(call, self._stub.EvaluatePolicies, request)
        except Unavailable as error:
            raise PolicyEngineUnavailable("Governance cannot be reached") from error


def _verdicts(answer: governance_pb2.EvaluatePoliciesResponse) -> list[Verdict]:
    """The verdicts of an answer, with the facts that came beside them where they did."""
    if not answer.facts:
        return list(map(verdict_from_pb, answer.verdicts))
    try:
        pairs = zip(answer.verdicts, map(_facts, answer.facts), strict=True)
        return [verdict_from_pb(verdict, facts) for verdict, facts in pairs]
    except ValueError as error:
        raise PolicyEngineUnavailable("Governance answered facts that are none") from error


def _facts(text: bytes) -> dict[str, Json]:
    value = json_value(text)
    return value if isinstance(value, dict) else {}

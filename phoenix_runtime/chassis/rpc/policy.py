"""The policy port over gRPC: a batch of inputs gets one verdict each, or no decision at all."""

import time
from collections.abc import Sequence
from typing import Final

from phoenix_dma.v1 import common_pb2, governance_pb2, governance_pb2_grpc
from phoenix_runtime.chassis.rpc.channels import Channels
from phoenix_runtime.chassis.rpc.conversions import verdict_from_pb
from phoenix_runtime.chassis.rpc.parts import in_parts
from phoenix_runtime.chassis.rpc.structs import json_to_struct
from phoenix_runtime.core.errors import PolicyEngineUnavailable, Unavailable
from phoenix_runtime.core.json import JsonObject
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

        async def ask(some: Sequence[JsonObject]) -> Sequence[common_pb2.PolicyVerdict]:
            request = governance_pb2.EvaluatePoliciesRequest(
                point=point, inputs=[json_to_struct(one) for one in some]
            )
            answer = await self._ask(call, request)
            if len(answer.verdicts) != len(some):
                raise PolicyEngineUnavailable("Governance answered another number of verdicts")
            return answer.verdicts

        return tuple(map(verdict_from_pb, await in_parts(inputs, ask, largest=INPUTS)))

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
        request = governance_pb2.EvaluatePoliciesRequest(
            point=point, inputs=[json_to_struct(policy_input)], left_out=[left_out]
        )
        answer = await self._ask(call, request)
        # A service that does not know the field would let rules find nothing where something is.
        if left_out in answer.unread and len(answer.verdicts) == 1:
            return verdict_from_pb(answer.verdicts[0])
        if len(self._needed) >= MOST_NEEDED:
            self._needed.clear()
        self._needed[part] = time.monotonic() + NEEDED_SECONDS
        return None

    async def _ask(
        self, call: Call, request: governance_pb2.EvaluatePoliciesRequest
    ) -> governance_pb2.EvaluatePoliciesResponse:
        try:
            return await self._channels.ask(call, self._stub.EvaluatePolicies, request)
        except Unavailable as error:
            raise PolicyEngineUnavailable("Governance cannot be reached") from error

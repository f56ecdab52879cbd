"""The policy port over gRPC: a batch of inputs gets one verdict each, or no decision at all."""

from collections.abc import Sequence

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


class GovernancePolicy:
    """The `Policy` port over gRPC."""

    def __init__(self, channels: Channels) -> None:
        self._channels = channels
        self._stub: governance_pb2_grpc.GovernanceServiceAsyncStub = (
            governance_pb2_grpc.GovernanceServiceStub(channels.channel(SERVICE))
        )

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
            answer = await self._channels.ask(call, self._stub.EvaluatePolicies, request)
            if len(answer.verdicts) != len(some):
                raise PolicyEngineUnavailable("Governance answered another number of verdicts")
            return answer.verdicts

        try:
            verdicts = await in_parts(inputs, ask, largest=INPUTS)
        except Unavailable as error:
            raise PolicyEngineUnavailable("Governance cannot be reached") from error
        return tuple(map(verdict_from_pb, verdicts))

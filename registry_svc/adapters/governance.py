"""Governance over gRPC: verdicts, and the trust in participants."""

from collections.abc import Sequence
from typing import Final

from phoenix_dma.v1 import governance_pb2, governance_pb2_grpc
from phoenix_runtime.chassis.rpc.channels import Channels
from phoenix_runtime.chassis.rpc.parts import in_parts
from phoenix_runtime.chassis.rpc.policy import SERVICE, GovernancePolicy
from phoenix_runtime.core.errors import PolicyEngineUnavailable, Unavailable
from phoenix_runtime.core.principal import Call
from registry_svc.domain.ranking import CapabilityTrust, KnownTrust

IDS: Final = 200
"""Participants in one request: some milliseconds of governance's time."""


class GrpcGovernance(GovernancePolicy):
    """Implements `domain.ports.Governance`."""

    def __init__(self, channels: Channels) -> None:
        super().__init__(channels)
        self._peer = channels
        self._trust: governance_pb2_grpc.GovernanceServiceAsyncStub = (
            governance_pb2_grpc.GovernanceServiceStub(channels.channel(SERVICE))
        )

    async def trust_of(self, call: Call, participant_ids: Sequence[str]) -> Sequence[KnownTrust]:
        """See the port."""

        async def ask(some: Sequence[str]) -> Sequence[governance_pb2.ParticipantTrust]:
            request = governance_pb2.BatchGetTrustRequest(participant_ids=some)
            answer = await self._peer.ask(call, self._trust.BatchGetTrust, request)
            if [one.participant_id for one in answer.trusts] != list(some):
                raise PolicyEngineUnavailable("Governance answered about other participants")
            return answer.trusts

        try:
            trusts = await in_parts(participant_ids, ask, largest=IDS)
        except Unavailable as error:
            raise PolicyEngineUnavailable("Governance cannot be reached") from error
        return [_known(one) for one in trusts]


def _known(one: governance_pb2.ParticipantTrust) -> KnownTrust:
    capabilities = {
        each.capability: CapabilityTrust(each.total, each.certified) for each in one.capabilities
    }
    return KnownTrust(one.general, capabilities)

"""GovernanceService on the wire: translates, decides nothing."""

from dataclasses import dataclass
from typing import Any

from grpc.aio import ServicerContext

from governance_svc.api.convert_governance import (
    catalogue_to_pb,
    certificate_from_pb,
    certifications_to_pb,
    decision_to_pb,
    granted_to_pb,
    inputs_from_pb,
    point_from_pb,
    revoked_to_pb,
    tried_to_pb,
    trust_to_pb,
    verdicts_to_pb,
)
from governance_svc.usecases.policy.evaluate_policies import EvaluatePolicies
from governance_svc.usecases.policy.get_catalogue import GetCatalogue
from governance_svc.usecases.policy.get_policy_decision import GetPolicyDecision
from governance_svc.usecases.policy.try_policy import TryPolicy
from governance_svc.usecases.trust.certify import (
    Certified,
    GrantCertification,
    ListCertifications,
    RevokeCertification,
)
from governance_svc.usecases.trust.get_trust_score import GetTrustScore
from phoenix_dma.v1 import governance_pb2, governance_pb2_grpc
from phoenix_runtime.chassis.rpc.conversions import struct_to_json
from phoenix_runtime.chassis.rpc.handler import RpcHandler
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import Verdict


@dataclass(frozen=True, slots=True)
class GovernanceVerbs:
    """The use cases behind the servicer."""

    evaluate: EvaluatePolicies
    attempt: TryPolicy
    decision: GetPolicyDecision
    trust: GetTrustScore
    grant: GrantCertification
    revoke: RevokeCertification
    certifications: ListCertifications
    catalogue: GetCatalogue


class GovernanceServicer(governance_pb2_grpc.GovernanceServiceServicer):
    """The eight RPCs."""

    def __init__(self, handler: RpcHandler, verbs: GovernanceVerbs) -> None:
        self._front = handler
        self._verbs = verbs

    async def EvaluatePolicies(  # noqa: N802  # the schema's name
        self,
        request: governance_pb2.EvaluatePoliciesRequest,
        context: ServicerContext[Any, Any],
    ) -> governance_pb2.EvaluatePoliciesResponse:
        """One question about many inputs."""

        async def run(call: Call) -> tuple[Verdict, ...]:
            point = point_from_pb(request.point)
            return await self._verbs.evaluate(call, point, inputs_from_pb(request))

        return await self._front.read(run=run, answer=verdicts_to_pb)

    async def TryPolicy(  # noqa: N802  # the schema's name
        self, request: governance_pb2.TryPolicyRequest, context: ServicerContext[Any, Any]
    ) -> governance_pb2.TryPolicyResponse:
        """A question without effect."""

        async def run(call: Call) -> Verdict:
            question = struct_to_json(request.input, "input")
            return await self._verbs.attempt(call, point_from_pb(request.point), question)

        return await self._front.read(run=run, answer=tried_to_pb)

    async def GetPolicyDecision(  # noqa: N802  # the schema's name
        self,
        request: governance_pb2.GetPolicyDecisionRequest,
        context: ServicerContext[Any, Any],
    ) -> governance_pb2.GetPolicyDecisionResponse:
        """A decision that had an effect."""
        return await self._front.read(
            run=lambda call: self._verbs.decision(call, request.decision_id),
            answer=decision_to_pb,
        )

    async def GetTrustScore(  # noqa: N802  # the schema's name
        self, request: governance_pb2.GetTrustScoreRequest, context: ServicerContext[Any, Any]
    ) -> governance_pb2.GetTrustScoreResponse:
        """Trust, explained."""
        return await self._front.read(
            run=lambda call: self._verbs.trust(
                call, request.participant_id, tuple(request.capabilities)
            ),
            answer=trust_to_pb,
        )

    async def GrantCertification(  # noqa: N802  # the schema's name
        self,
        request: governance_pb2.GrantCertificationRequest,
        context: ServicerContext[Any, Any],
    ) -> governance_pb2.GrantCertificationResponse:
        """Certifies."""

        async def run(call: Call) -> Certified:
            return await self._verbs.grant(call, certificate_from_pb(request))

        return await self._front.mutate(request, run=run, answer=granted_to_pb)

    async def RevokeCertification(  # noqa: N802  # the schema's name
        self,
        request: governance_pb2.RevokeCertificationRequest,
        context: ServicerContext[Any, Any],
    ) -> governance_pb2.RevokeCertificationResponse:
        """Takes a certification back."""
        return await self._front.mutate(
            request,
            run=lambda call: self._verbs.revoke(call, request.certification_id, request.reason),
            answer=revoked_to_pb,
        )

    async def ListCertifications(  # noqa: N802  # the schema's name
        self,
        request: governance_pb2.ListCertificationsRequest,
        context: ServicerContext[Any, Any],
    ) -> governance_pb2.ListCertificationsResponse:
        """Certifications, newest first."""
        return await self._front.read(
            run=lambda call: self._verbs.certifications(
                call, request.participant_id, request.page_size, request.page_token
            ),
            answer=certifications_to_pb,
        )

    async def GetCatalogue(  # noqa: N802  # the schema's name
        self, request: governance_pb2.GetCatalogueRequest, context: ServicerContext[Any, Any]
    ) -> governance_pb2.GetCatalogueResponse:
        """The catalogue of the active policy."""
        return await self._front.read(run=self._verbs.catalogue, answer=catalogue_to_pb)

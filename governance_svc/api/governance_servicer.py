"""Serves GovernanceService: converts between messages and the use cases, and decides nothing."""

from dataclasses import dataclass
from typing import Any

from grpc.aio import ServicerContext

from governance_svc.api.convert_governance import (
    catalogue_to_pb,
    certification_from_pb,
    certifications_to_pb,
    decision_to_pb,
    granted_to_pb,
    inputs_from_pb,
    point_from_pb,
    revoked_to_pb,
    tried_to_pb,
    trust_to_pb,
    trusts_to_pb,
    verdicts_to_pb,
)
from governance_svc.api.convert_policy import (
    activated_to_pb,
    files_from_pb,
    policies_to_pb,
    uploaded_to_pb,
    validated_to_pb,
)
from governance_svc.domain.trust.certification import Certification
from governance_svc.usecases.policy.activate_policy import ActivatePolicy
from governance_svc.usecases.policy.evaluate_policies import EvaluatePolicies, InputNeeded
from governance_svc.usecases.policy.get_catalogue import GetCatalogue
from governance_svc.usecases.policy.get_policy_decision import GetPolicyDecision
from governance_svc.usecases.policy.list_policies import ListPolicies
from governance_svc.usecases.policy.try_policy import TryPolicy
from governance_svc.usecases.policy.upload_policy import UploadPolicy, ValidatePolicy
from governance_svc.usecases.trust.batch_get_trust import BatchGetTrust
from governance_svc.usecases.trust.get_trust_score import GetTrustScore
from governance_svc.usecases.trust.grant_certification import (
    CertificationResult,
    GrantCertification,
)
from governance_svc.usecases.trust.list_certifications import ListCertifications
from governance_svc.usecases.trust.revoke_certification import RevokeCertification
from phoenix_dma.v1 import governance_pb2, governance_pb2_grpc
from phoenix_runtime.chassis.rpc.conversions import page_from_pb
from phoenix_runtime.chassis.rpc.handler import RpcHandler
from phoenix_runtime.chassis.rpc.structs import struct_to_json
from phoenix_runtime.core.pages import Page
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import Verdict


@dataclass(frozen=True, slots=True)
class GovernanceUseCases:
    """The use cases behind the servicer."""

    evaluate: EvaluatePolicies
    attempt: TryPolicy
    decision: GetPolicyDecision
    trust: GetTrustScore
    trusts: BatchGetTrust
    grant: GrantCertification
    revoke: RevokeCertification
    certifications: ListCertifications
    catalogue: GetCatalogue
    validate: ValidatePolicy
    upload: UploadPolicy
    activate: ActivatePolicy
    policies: ListPolicies


class GovernanceServicer(governance_pb2_grpc.GovernanceServiceServicer):
    """The thirteen RPCs."""

    def __init__(self, handler: RpcHandler, use_cases: GovernanceUseCases) -> None:
        self._handler = handler
        self._use_cases = use_cases

    async def EvaluatePolicies(  # noqa: N802  # the schema's name
        self,
        request: governance_pb2.EvaluatePoliciesRequest,
        context: ServicerContext[Any, Any],
    ) -> governance_pb2.EvaluatePoliciesResponse:
        """Evaluates a batch of inputs at one decision point."""

        async def run(call: Call) -> tuple[Verdict, ...] | None:
            point, inputs = point_from_pb(request.point), inputs_from_pb(request)
            try:
                return await self._use_cases.evaluate(call, point, inputs, request.left_out)
            except InputNeeded:
                return None

        return await self._handler.read(
            run=run, answer=lambda verdicts: verdicts_to_pb(verdicts, request)
        )

    async def TryPolicy(  # noqa: N802  # the schema's name
        self, request: governance_pb2.TryPolicyRequest, context: ServicerContext[Any, Any]
    ) -> governance_pb2.TryPolicyResponse:
        """Evaluates one input without effect."""

        async def run(call: Call) -> Verdict:
            policy_input = struct_to_json(request.input, "input")
            return await self._use_cases.attempt(call, point_from_pb(request.point), policy_input)

        return await self._handler.read(run=run, answer=tried_to_pb)

    async def GetPolicyDecision(  # noqa: N802  # the schema's name
        self,
        request: governance_pb2.GetPolicyDecisionRequest,
        context: ServicerContext[Any, Any],
    ) -> governance_pb2.GetPolicyDecisionResponse:
        """Reads a decision that had an effect."""
        return await self._handler.read(
            run=lambda call: self._use_cases.decision(call, request.decision_id),
            answer=decision_to_pb,
        )

    async def GetTrustScore(  # noqa: N802  # the schema's name
        self, request: governance_pb2.GetTrustScoreRequest, context: ServicerContext[Any, Any]
    ) -> governance_pb2.GetTrustScoreResponse:
        """Answers the trust score, explained."""
        return await self._handler.read(
            run=lambda call: self._use_cases.trust(
                call, request.participant_id, tuple(request.capabilities)
            ),
            answer=trust_to_pb,
        )

    async def BatchGetTrust(  # noqa: N802  # the schema's name
        self, request: governance_pb2.BatchGetTrustRequest, context: ServicerContext[Any, Any]
    ) -> governance_pb2.BatchGetTrustResponse:
        """Answers the trust of many participants, in numbers alone."""
        return await self._handler.read(
            run=lambda call: self._use_cases.trusts(call, request.participant_ids),
            answer=trusts_to_pb,
        )

    async def GrantCertification(  # noqa: N802  # the schema's name
        self,
        request: governance_pb2.GrantCertificationRequest,
        context: ServicerContext[Any, Any],
    ) -> governance_pb2.GrantCertificationResponse:
        """Certifies a participant."""

        async def run(call: Call) -> CertificationResult:
            return await self._use_cases.grant(call, certification_from_pb(request))

        return await self._handler.mutate(request, run=run, answer=granted_to_pb)

    async def RevokeCertification(  # noqa: N802  # the schema's name
        self,
        request: governance_pb2.RevokeCertificationRequest,
        context: ServicerContext[Any, Any],
    ) -> governance_pb2.RevokeCertificationResponse:
        """Revokes a certification."""
        return await self._handler.mutate(
            request,
            run=lambda call: self._use_cases.revoke(call, request.certification_id, request.reason),
            answer=revoked_to_pb,
        )

    async def ListCertifications(  # noqa: N802  # the schema's name
        self,
        request: governance_pb2.ListCertificationsRequest,
        context: ServicerContext[Any, Any],
    ) -> governance_pb2.ListCertificationsResponse:
        """Lists certifications, newest first."""

        async def run(call: Call) -> Page[Certification]:
            page = page_from_pb(request, {"certifications": request.participant_id})
            return await self._use_cases.certifications(call, request.participant_id, page)

        return await self._handler.read(run=run, answer=certifications_to_pb)

    async def GetCatalogue(  # noqa: N802  # the schema's name
        self, request: governance_pb2.GetCatalogueRequest, context: ServicerContext[Any, Any]
    ) -> governance_pb2.GetCatalogueResponse:
        """Answers the catalogue of the active policy."""
        return await self._handler.read(run=self._use_cases.catalogue, answer=catalogue_to_pb)

    async def ValidatePolicy(  # noqa: N802  # the schema's name
        self, request: governance_pb2.ValidatePolicyRequest, context: ServicerContext[Any, Any]
    ) -> governance_pb2.ValidatePolicyResponse:
        """Checks an overlay and keeps nothing."""
        return await self._handler.read(
            run=lambda call: self._use_cases.validate(call, files_from_pb(request.overlay)),
            answer=validated_to_pb,
        )

    async def UploadPolicy(  # noqa: N802  # the schema's name
        self, request: governance_pb2.UploadPolicyRequest, context: ServicerContext[Any, Any]
    ) -> governance_pb2.UploadPolicyResponse:
        """Checks an overlay and keeps it."""
        return await self._handler.mutate(
            request,
            run=lambda call: self._use_cases.upload(
                call, files_from_pb(request.overlay), request.note, request.overlay_revision
            ),
            answer=uploaded_to_pb,
        )

    async def ActivatePolicy(  # noqa: N802  # the schema's name
        self, request: governance_pb2.ActivatePolicyRequest, context: ServicerContext[Any, Any]
    ) -> governance_pb2.ActivatePolicyResponse:
        """Lets an overlay decide, or none."""
        return await self._handler.mutate(
            request,
            run=lambda call: self._use_cases.activate(call, request.overlay_revision),
            answer=activated_to_pb,
        )

    async def ListPolicies(  # noqa: N802  # the schema's name
        self, request: governance_pb2.ListPoliciesRequest, context: ServicerContext[Any, Any]
    ) -> governance_pb2.ListPoliciesResponse:
        """Lists the overlays, newest first."""
        return await self._handler.read(
            run=lambda call: self._use_cases.policies(
                call, page_from_pb(request, {"list": "policies"})
            ),
            answer=policies_to_pb,
        )

"""Converts between governance messages and the values of the domain."""

from collections.abc import Sequence

from governance_svc.domain.policy.bundle import PolicyBundle
from governance_svc.domain.trust.certification import (
    Certification,
    CertificationRequest,
    Method,
)
from governance_svc.domain.trust.scoring import DECIMALS
from governance_svc.usecases.policy.get_policy_decision import PolicyDecision
from governance_svc.usecases.trust.assess_trust import Assessment
from governance_svc.usecases.trust.get_trust_score import TrustReport
from governance_svc.usecases.trust.grant_certification import CertificationResult
from phoenix_dma.v1 import governance_pb2
from phoenix_runtime.chassis.rpc.conversions import (
    receipt_to_pb,
    score_to_pb,
    time_from_pb,
    time_to_pb,
    verdict_to_pb,
)
from phoenix_runtime.chassis.rpc.json_texts import batch_inputs, json_text
from phoenix_runtime.chassis.rpc.pages import page_to_pb
from phoenix_runtime.chassis.rpc.structs import json_to_struct, structs_to_json
from phoenix_runtime.core.errors import FieldInvalid, Violation
from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.pages import Page
from phoenix_runtime.core.verdict import DecisionPoint, Verdict


def point_from_pb(name: str) -> DecisionPoint:
    """The decision point of that name; raises `FieldInvalid`."""
    try:
        return DecisionPoint(name)
    except ValueError as error:
        points = ", ".join(DecisionPoint)
        raise FieldInvalid([Violation("point", f"is none of {points}")]) from error


def inputs_from_pb(request: governance_pb2.EvaluatePoliciesRequest) -> tuple[JsonObject, ...]:
    """The inputs; raises `FieldInvalid` for what is not JSON, and where there is none."""
    if request.batch:
        try:
            inputs = batch_inputs(request.batch)
        except ValueError as error:
            raise FieldInvalid([Violation("batch", f"is no batch of inputs: {error}")]) from error
    else:
        inputs = structs_to_json(request.inputs, lambda index: f"inputs[{index}]")
    if not inputs:
        raise FieldInvalid([Violation("inputs", "is required")])
    return inputs


def verdicts_to_pb(
    verdicts: tuple[Verdict, ...] | None, request: governance_pb2.EvaluatePoliciesRequest
) -> governance_pb2.EvaluatePoliciesResponse:
    """One verdict for each input; None where rules may read what was left out of the inputs."""
    if verdicts is None:
        return governance_pb2.EvaluatePoliciesResponse()
    texts = bool(request.batch)
    return governance_pb2.EvaluatePoliciesResponse(
        verdicts=[verdict_to_pb(verdict, facts=not texts) for verdict in verdicts],
        facts=[json_text(verdict.facts) for verdict in verdicts] if texts else (),
        unread=request.left_out,
    )


def tried_to_pb(verdict: Verdict) -> governance_pb2.TryPolicyResponse:
    """What policy would decide."""
    return governance_pb2.TryPolicyResponse(verdict=verdict_to_pb(verdict))


def decision_to_pb(decision: PolicyDecision) -> governance_pb2.GetPolicyDecisionResponse:
    """A decision and what it decided."""
    return governance_pb2.GetPolicyDecisionResponse(
        verdict=verdict_to_pb(decision.verdict), audit_event_ids=decision.audit_event_ids
    )


def trust_to_pb(report: TrustReport) -> governance_pb2.GetTrustScoreResponse:
    """Trust, explained; the general trust stands under the empty name."""
    assessment = report.assessment
    scores = assessment.scores or {"": assessment.general}
    return governance_pb2.GetTrustScoreResponse(
        participant_id=assessment.participant_id,
        scores={name: message for name, score in scores.items() if (message := score_to_pb(score))},
        least=assessment.least,
        as_of_sequence=assessment.as_of_sequence,
        thresholds=report.thresholds,
    )


def trusts_to_pb(assessments: Sequence[Assessment]) -> governance_pb2.BatchGetTrustResponse:
    """Trust in numbers, rounded as policy is told it."""
    return governance_pb2.BatchGetTrustResponse(trusts=map(_participant_trust, assessments))


def _participant_trust(one: Assessment) -> governance_pb2.ParticipantTrust:
    return governance_pb2.ParticipantTrust(
        participant_id=one.participant_id,
        general=round(one.general.total, DECIMALS),
        capabilities=[
            governance_pb2.CapabilityTrust(
                capability=name, total=round(score.total, DECIMALS), certified=name in one.certified
            )
            for name, score in one.scores.items()
        ],
    )


def certification_from_pb(
    request: governance_pb2.GrantCertificationRequest,
) -> CertificationRequest:
    """What is to be certified."""
    return CertificationRequest(
        participant_id=request.participant_id,
        capability=request.capability,
        method=request.method or Method.HUMAN.value,
        evidence=request.evidence,
        coverage=request.coverage if request.HasField("coverage") else 1.0,
        valid_until=time_from_pb(request, "expire_time"),
    )


def granted_to_pb(result: CertificationResult) -> governance_pb2.GrantCertificationResponse:
    """The certification."""
    return governance_pb2.GrantCertificationResponse(
        certification=certification_to_pb(result.certification),
        receipt=receipt_to_pb(result.receipt),
    )


def revoked_to_pb(result: CertificationResult) -> governance_pb2.RevokeCertificationResponse:
    """The revoked certification."""
    return governance_pb2.RevokeCertificationResponse(
        certification=certification_to_pb(result.certification),
        receipt=receipt_to_pb(result.receipt),
    )


def certifications_to_pb(
    page: Page[Certification],
) -> governance_pb2.ListCertificationsResponse:
    """A page of certifications."""
    made, token = page_to_pb(page, certification_to_pb)
    return governance_pb2.ListCertificationsResponse(
        certifications=made, next_page_token=token, total_size=page.total
    )


def certification_to_pb(certification: Certification) -> governance_pb2.Certification:
    """One certification."""
    return governance_pb2.Certification(
        certification_id=certification.certification_id,
        participant_id=certification.participant_id,
        capability=certification.capability,
        method=certification.method.value,
        evidence=certification.evidence,
        coverage=certification.coverage,
        granted_by=certification.granted_by,
        grant_time=time_to_pb(certification.granted_at),
        expire_time=time_to_pb(certification.valid_until),
        revoke_time=time_to_pb(certification.revoked_at),
    )


def catalogue_to_pb(bundle: PolicyBundle) -> governance_pb2.GetCatalogueResponse:
    """The active catalogue."""
    return governance_pb2.GetCatalogueResponse(
        catalogue=json_to_struct(bundle.data), policy_revision=bundle.revision
    )

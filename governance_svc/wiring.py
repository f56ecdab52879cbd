"""Builds the service; no other module builds its objects."""

from dataclasses import dataclass

import grpc.aio

from governance_svc.adapters.bundle_folder import read_bundle, shipped_bundle
from governance_svc.adapters.ledger_notifier import LocalLedgerNotifier
from governance_svc.adapters.local_ledger import LocalLedger
from governance_svc.adapters.policy_engines.child_session import EngineLimits
from governance_svc.adapters.policy_engines.embedded_engine import EmbeddedEngine
from governance_svc.adapters.policy_engines.metered_engine import MeteredEngine
from governance_svc.api.approval_servicer import ApprovalServicer, ApprovalUseCases
from governance_svc.api.audit_servicer import AuditServicer, AuditUseCases
from governance_svc.api.governance_servicer import GovernanceServicer, GovernanceUseCases
from governance_svc.domain.policy.engine import LOADING_SECONDS, STARTING_SECONDS, PolicyEngine
from governance_svc.settings import GovernanceSettings
from governance_svc.store.claims import WorkerClaims
from governance_svc.store.ledger_writer import GroupCommitLedger
from governance_svc.store.tables import metadata
from governance_svc.store.unit import GovernanceUnits
from governance_svc.usecases.approvals.cancel_approval import CancelApproval
from governance_svc.usecases.approvals.decide_approval import DecideApproval
from governance_svc.usecases.approvals.expire_approvals import ExpireApprovals
from governance_svc.usecases.approvals.get_approval import GetApproval
from governance_svc.usecases.approvals.list_approvals import ListApprovals
from governance_svc.usecases.approvals.request_approval import RequestApproval
from governance_svc.usecases.ledger.append_audit_events import AppendAuditEvents
from governance_svc.usecases.ledger.get_lineage import GetLineage
from governance_svc.usecases.ledger.list_audit_events import ListAuditEvents
from governance_svc.usecases.policy.activate_policy import ActivatePolicy
from governance_svc.usecases.policy.announce_policy import AnnouncePolicy
from governance_svc.usecases.policy.denial_log import DenialLog
from governance_svc.usecases.policy.evaluate_policies import EvaluatePolicies
from governance_svc.usecases.policy.follow_policies import FollowPolicies
from governance_svc.usecases.policy.get_catalogue import GetCatalogue
from governance_svc.usecases.policy.get_policy_decision import GetPolicyDecision
from governance_svc.usecases.policy.list_policies import ListPolicies
from governance_svc.usecases.policy.load_policy import LoadPolicy
from governance_svc.usecases.policy.tenant_policies import TenantPolicies
from governance_svc.usecases.policy.try_policy import TryPolicy
from governance_svc.usecases.policy.upload_policy import UploadPolicy, ValidatePolicy
from governance_svc.usecases.trust.assess_trust import AssessTrust
from governance_svc.usecases.trust.batch_get_trust import BatchGetTrust
from governance_svc.usecases.trust.get_trust_score import GetTrustScore
from governance_svc.usecases.trust.grant_certification import GrantCertification
from governance_svc.usecases.trust.list_certifications import ListCertifications
from governance_svc.usecases.trust.project_trust import ProjectTrust
from governance_svc.usecases.trust.revoke_certification import RevokeCertification
from governance_svc.workers.background import Workers, WorkerUseCases
from phoenix_dma.v1 import approval_pb2_grpc, audit_pb2_grpc, governance_pb2_grpc
from phoenix_runtime.chassis.delivery.bus import Bus
from phoenix_runtime.chassis.delivery.relay import Relay
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.chassis.resources import ServiceResources, open_resources
from phoenix_runtime.chassis.rpc.channels import service_call
from phoenix_runtime.chassis.server import Service
from phoenix_runtime.core.ports import AccessLog
from phoenix_runtime.core.principal import Call

NAME = "governance"
PROTOS = (
    "phoenix_dma.v1.GovernanceService",
    "phoenix_dma.v1.ApprovalService",
    "phoenix_dma.v1.AuditService",
)


@dataclass(frozen=True, slots=True)
class _Shared:
    """What several use cases share."""

    resources: ServiceResources
    units: GovernanceUnits
    policies: TenantPolicies
    ledger: GroupCommitLedger
    notifier: LocalLedgerNotifier
    trust: AssessTrust
    policy: EvaluatePolicies
    denials: DenialLog
    access: AccessLog


async def build(settings: GovernanceSettings | None = None) -> Service:
    """The service, migrated, its policy loaded where the engine answers, ready to listen."""
    settings = settings or GovernanceSettings()
    resources = await open_resources(NAME, settings, metadata)
    shared = _shared(resources, settings)
    workers = Workers(_worker_use_cases(settings, shared), settings.ledger_interval)
    # Load before the first request; without an engine the service starts all the same.
    await workers.load_policy()
    await workers.follow_policies()
    shared.notifier.subscribe(workers.ledger_appended)
    relay = Relay(
        resources.worker_database,
        resources.outbox,
        ledger=LocalLedger(shared.ledger),
        publisher=Bus(resources.redis),
    )
    return Service(
        name=NAME,
        settings=settings,
        names=PROTOS,
        register=lambda server: _register(server, settings, shared),
        clock=resources.clock,
        running=[workers, relay],
        close=[shared.ledger.close, shared.policies.close, resources.close],
    )


def _shared(resources: ServiceResources, settings: GovernanceSettings) -> _Shared:
    bundle = read_bundle(settings.bundle) if settings.bundle is not None else shipped_bundle()
    clock = resources.clock
    units = GovernanceUnits(resources.database, resources.outbox)
    notifier = LocalLedgerNotifier()
    policies = TenantPolicies(
        bundle,
        MeteredEngine(_engine(settings, STARTING_SECONDS)),
        clock,
        # An OPA server holds one policy, and several tenants may need different ones.
        None if settings.opa_url else lambda: MeteredEngine(_engine(settings)),
    )
    trust = AssessTrust(units, policies.catalogue, clock)
    return _Shared(
        resources=resources,
        units=units,
        policies=policies,
        ledger=GroupCommitLedger(resources.database, notifier.notify),
        notifier=notifier,
        trust=trust,
        policy=EvaluatePolicies(policies, trust, clock, new_id),
        denials=DenialLog(units, clock),
        access=resources.access,
    )


def _engine(settings: GovernanceSettings, starting: float | None = None) -> PolicyEngine:
    """An OPA server where its URL is given, else the embedded engine.

    ``starting`` is the deadline of each step of its first load, where it is another.
    """
    deadline = settings.evaluation_deadline.total_seconds()
    if not settings.opa_url:
        # Where decisions may take longer, so may the steps of loading.
        loading = max(LOADING_SECONDS, LOADING_SECONDS * deadline)
        longer = None if starting is None else max(starting, loading)
        return EmbeddedEngine(EngineLimits(deadline, loading, starting=longer))
    # They import httpx, a twentieth of what the services import before they are forked.
    from governance_svc.adapters.policy_engines.opa_rest import OpaRest  # noqa: PLC0415
    from governance_svc.adapters.policy_engines.opa_session import OpaAddress  # noqa: PLC0415

    token = settings.opa_token.get_secret_value()
    address = OpaAddress(
        settings.opa_url, token, settings.opa_ca_file, answer=deadline, starting=starting
    )
    return OpaRest(address)


def _worker_use_cases(settings: GovernanceSettings, shared: _Shared) -> WorkerUseCases:
    units, clock = shared.units, shared.resources.clock
    claims = WorkerClaims(shared.resources.worker_database, settings.claim)
    announce = AnnouncePolicy(units, claims, shared.policies, clock, _own_call)
    return WorkerUseCases(
        expire=ExpireApprovals(claims, units, clock, _own_call),
        project=ProjectTrust(units, claims, shared.trust, _own_call),
        announce=announce,
        load=LoadPolicy(shared.policies, announce, shared.trust),
        follow=FollowPolicies(units, claims, shared.policies, shared.trust, _own_call),
    )


def _own_call(tenant: str) -> Call:
    return service_call(NAME, tenant, new_id)


def _register(server: grpc.aio.Server, settings: GovernanceSettings, shared: _Shared) -> None:
    handler = shared.resources.handler()
    audit = AuditServicer(handler, _audit_use_cases(shared))
    approvals = ApprovalServicer(handler, _approval_use_cases(shared))
    governance = GovernanceServicer(handler, _governance_use_cases(settings, shared))
    audit_pb2_grpc.add_AuditServiceServicer_to_server(audit, server)
    approval_pb2_grpc.add_ApprovalServiceServicer_to_server(approvals, server)
    governance_pb2_grpc.add_GovernanceServiceServicer_to_server(governance, server)


def _audit_use_cases(shared: _Shared) -> AuditUseCases:
    units, policy, denials = shared.units, shared.policy, shared.denials
    return AuditUseCases(
        append=AppendAuditEvents(shared.ledger),
        list=ListAuditEvents(units, policy, denials),
        lineage=GetLineage(units, shared.notifier, policy, denials),
    )


def _approval_use_cases(shared: _Shared) -> ApprovalUseCases:
    units, clock, access = shared.units, shared.resources.clock, shared.access
    return ApprovalUseCases(
        request=RequestApproval(units, clock, new_id),
        cancel=CancelApproval(units, clock),
        decide=DecideApproval(units, shared.policy, (shared.denials, access, shared.trust), clock),
        get=GetApproval(units),
        list=ListApprovals(units),
    )


def _governance_use_cases(settings: GovernanceSettings, shared: _Shared) -> GovernanceUseCases:
    units, trust, clock = shared.units, shared.trust, shared.resources.clock
    validate = ValidatePolicy(shared.policies, clock)
    return GovernanceUseCases(
        evaluate=shared.policy,
        attempt=TryPolicy(shared.policy),
        decision=GetPolicyDecision(units),
        trust=GetTrustScore(trust, shared.policies.catalogue),
        trusts=BatchGetTrust(trust),
        grant=GrantCertification(units, trust, shared.access, clock, new_id),
        revoke=RevokeCertification(units, trust, clock),
        certifications=ListCertifications(units),
        catalogue=GetCatalogue(shared.policies),
        validate=validate,
        upload=UploadPolicy(units, validate),
        activate=ActivatePolicy(
            units,
            shared.policies,
            (shared.policy, shared.denials, trust, shared.access),
            clock,
            development=settings.development,
        ),
        policies=ListPolicies(units, shared.policies),
    )

"""Builds governance; nothing else makes its objects."""

from dataclasses import dataclass

import grpc.aio

from governance_svc.adapters.bundle_folder import read_bundle, shipped_bundle
from governance_svc.adapters.ledger_notifier import Tidings
from governance_svc.adapters.local_ledger import LocalLedger
from governance_svc.adapters.policy_engines.embedded_engine import EmbeddedEngine
from governance_svc.adapters.policy_engines.metered_engine import MeteredEngine
from governance_svc.adapters.policy_engines.opa_rest import OpaRest
from governance_svc.adapters.policy_engines.opa_session import OpaAddress
from governance_svc.api.approval_servicer import ApprovalServicer, ApprovalVerbs
from governance_svc.api.audit_servicer import AuditServicer, AuditVerbs
from governance_svc.api.governance_servicer import GovernanceServicer, GovernanceVerbs
from governance_svc.domain.policy.bundle import PolicyBundle
from governance_svc.domain.policy.engine import PolicyEngine
from governance_svc.settings import GovernanceSettings
from governance_svc.store.approvals import PostgresApprovalClaims, PostgresApprovals
from governance_svc.store.certifications import PostgresCertifications
from governance_svc.store.evidence import PostgresTrustRecords
from governance_svc.store.ledger_reader import PostgresLedgerReader
from governance_svc.store.ledger_writer import GroupCommitLedger
from governance_svc.store.tables import metadata
from governance_svc.store.tenants import LedgerTenants
from governance_svc.store.unit import GovernanceUnit
from governance_svc.usecases.approvals.cancel_approval import CancelApproval
from governance_svc.usecases.approvals.decide_approval import DecideApproval, DecisionPorts
from governance_svc.usecases.approvals.expire_approvals import ExpireApprovals
from governance_svc.usecases.approvals.read_approvals import GetApproval, ListApprovals
from governance_svc.usecases.approvals.request_approval import RequestApproval
from governance_svc.usecases.ledger.append_audit_events import AppendAuditEvents
from governance_svc.usecases.ledger.get_lineage import GetLineage, LineagePorts
from governance_svc.usecases.ledger.list_audit_events import ListAuditEvents
from governance_svc.usecases.policy.announce_policy import AnnouncePolicy
from governance_svc.usecases.policy.denial_log import Refusals
from governance_svc.usecases.policy.evaluate_policies import EvaluatePolicies
from governance_svc.usecases.policy.get_catalogue import GetCatalogue
from governance_svc.usecases.policy.get_policy_decision import GetPolicyDecision
from governance_svc.usecases.policy.load_policy import LoadPolicy
from governance_svc.usecases.policy.try_policy import TryPolicy
from governance_svc.usecases.trust.assess_trust import AssessTrust
from governance_svc.usecases.trust.certify import (
    Desk,
    GrantCertification,
    ListCertifications,
    RevokeCertification,
)
from governance_svc.usecases.trust.get_trust_score import GetTrustScore
from governance_svc.usecases.trust.project_trust import ProjectTrust
from governance_svc.workers.background import Workers, WorkerUseCases
from phoenix_dma.v1 import approval_pb2_grpc, audit_pb2_grpc, governance_pb2_grpc
from phoenix_runtime.chassis.data.access_log import OutboxAccessLog
from phoenix_runtime.chassis.data.unit import Unit, Units
from phoenix_runtime.chassis.delivery.bus import Bus
from phoenix_runtime.chassis.delivery.relay import Relay
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.chassis.resources import ServiceResources, open_resources
from phoenix_runtime.chassis.rpc.channels import service_call
from phoenix_runtime.chassis.server import Service
from phoenix_runtime.core.principal import Call

NAME = "governance"
PROTOS = (
    "phoenix_dma.v1.GovernanceService",
    "phoenix_dma.v1.ApprovalService",
    "phoenix_dma.v1.AuditService",
)


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the verbs share."""

    foundation: ServiceResources
    units: Units[GovernanceUnit]
    bundle: PolicyBundle
    engine: PolicyEngine
    ledger: GroupCommitLedger
    tidings: Tidings
    trust: AssessTrust
    evaluate: EvaluatePolicies
    refusals: Refusals


async def build(settings: GovernanceSettings | None = None) -> Service:
    """The service, migrated, its policy loaded where the engine is there, ready to listen."""
    told = settings or GovernanceSettings()
    parts = _parts(await open_resources(NAME, told, metadata), told)
    foundation = parts.foundation
    duties = _duties(told, parts)
    shift = Workers(duties)
    # A first try before anybody can ask; without an engine the service starts all the same.
    await shift.load_policy()
    parts.tidings.listen(shift.grown)
    relay = Relay(
        foundation.worker_database,
        foundation.outbox,
        ledger=LocalLedger(parts.ledger),
        news=Bus(foundation.redis),
    )
    return Service(
        name=NAME,
        settings=told,
        names=PROTOS,
        register=lambda server: _register(server, parts),
        clock=foundation.clock,
        running=[shift, relay],
        close=[parts.ledger.close, parts.engine.close, foundation.close],
    )


def _parts(foundation: ServiceResources, told: GovernanceSettings) -> _Parts:
    bundle = read_bundle(told.bundle) if told.bundle is not None else shipped_bundle()
    clock, database = foundation.clock, foundation.database
    units = foundation.units(GovernanceUnit)
    tidings = Tidings()
    engine = MeteredEngine(_engine(told))
    trust = AssessTrust(PostgresTrustRecords(database), lambda: bundle.catalogue, clock)
    return _Parts(
        foundation=foundation,
        units=units,
        bundle=bundle,
        engine=engine,
        ledger=GroupCommitLedger(database, tidings.grown),
        tidings=tidings,
        trust=trust,
        evaluate=EvaluatePolicies(engine, trust, clock, new_id),
        refusals=Refusals(units, clock),
    )


def _engine(told: GovernanceSettings) -> PolicyEngine:
    """OPA's REST API where a URL is given, else the embedded engine."""
    if not told.opa_url:
        return EmbeddedEngine()
    token = told.opa_token.get_secret_value()
    return OpaRest(OpaAddress(told.opa_url, token, told.opa_ca_file))


def _duties(told: GovernanceSettings, parts: _Parts) -> WorkerUseCases:
    foundation, units = parts.foundation, parts.units
    tenants = LedgerTenants(foundation.worker_database)
    clock = foundation.clock
    announce = AnnouncePolicy(units, tenants, clock, _own_call)
    claims = PostgresApprovalClaims(foundation.worker_database, told.claim)
    records = PostgresTrustRecords(foundation.database)
    return WorkerUseCases(
        expire=ExpireApprovals(claims, units, clock, _own_call),
        project=ProjectTrust(records, tenants, parts.trust),
        announce=announce,
        load=LoadPolicy(parts.engine, parts.bundle, announce, parts.trust),
    )


def _own_call(tenant: str) -> Call:
    return service_call(NAME, tenant, new_id)


def _register(server: grpc.aio.Server, parts: _Parts) -> None:
    handler = parts.foundation.handler()
    audit = AuditServicer(handler, _audit_verbs(parts))
    approvals = ApprovalServicer(handler, _approval_verbs(parts))
    governance = GovernanceServicer(handler, _governance_verbs(parts))
    audit_pb2_grpc.add_AuditServiceServicer_to_server(audit, server)
    approval_pb2_grpc.add_ApprovalServiceServicer_to_server(approvals, server)
    governance_pb2_grpc.add_GovernanceServiceServicer_to_server(governance, server)


def _audit_verbs(parts: _Parts) -> AuditVerbs:
    reader = PostgresLedgerReader(parts.foundation.database)
    lineage = LineagePorts(reader, parts.tidings, parts.evaluate, parts.refusals)
    return AuditVerbs(
        append=AppendAuditEvents(parts.ledger),
        list=ListAuditEvents(reader, parts.evaluate, parts.refusals),
        lineage=GetLineage(lineage),
    )


def _approval_verbs(parts: _Parts) -> ApprovalVerbs:
    foundation, units, clock = parts.foundation, parts.units, parts.foundation.clock
    reader = PostgresApprovals(foundation.database)
    access = OutboxAccessLog(foundation.units(Unit), clock=clock, new_id=new_id)
    ports = DecisionPorts(units, reader, parts.evaluate, parts.refusals, access, clock)
    return ApprovalVerbs(
        request=RequestApproval(units, clock, new_id),
        cancel=CancelApproval(units, clock),
        decide=DecideApproval(ports),
        get=GetApproval(reader),
        list=ListApprovals(reader),
    )


def _governance_verbs(parts: _Parts) -> GovernanceVerbs:
    foundation, units, trust = parts.foundation, parts.units, parts.trust
    bundle = parts.bundle
    desk = Desk(foundation.clock, new_id)
    return GovernanceVerbs(
        evaluate=parts.evaluate,
        attempt=TryPolicy(parts.evaluate),
        decision=GetPolicyDecision(PostgresLedgerReader(foundation.database)),
        trust=GetTrustScore(trust, lambda: bundle.catalogue),
        grant=GrantCertification(units, trust, lambda: bundle.catalogue, desk),
        revoke=RevokeCertification(units, trust, foundation.clock),
        certifications=ListCertifications(PostgresCertifications(foundation.database)),
        catalogue=GetCatalogue(lambda: bundle),
    )

"""Governance's use cases on a clock that the test moves."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from governance_svc.adapters.bundle_folder import shipped_bundle
from governance_svc.adapters.local_ledger import LocalLedger
from governance_svc.adapters.policy_engines.child_session import EngineLimits
from governance_svc.domain.approvals.approval import ApprovalRequest
from governance_svc.domain.lifecycle import ApprovalStatus
from governance_svc.domain.policy.bundle import PolicyBundle
from governance_svc.domain.policy.engine import PolicyEngine
from governance_svc.domain.trust.certification import CertificationRequest
from governance_svc.domain.trust.projection import TrustProjection
from governance_svc.domain.trust.queries import TrustQuery
from governance_svc.store.claims import WorkerClaims
from governance_svc.store.ledger_writer import GroupCommitLedger
from governance_svc.store.unit import GovernanceUnits
from governance_svc.usecases.approvals.decide_approval import DecideApproval
from governance_svc.usecases.approvals.expire_approvals import ExpireApprovals
from governance_svc.usecases.approvals.get_approval import GetApproval
from governance_svc.usecases.approvals.request_approval import RequestApproval
from governance_svc.usecases.policy.denial_log import DenialLog
from governance_svc.usecases.policy.evaluate_policies import EvaluatePolicies
from governance_svc.usecases.policy.tenant_policies import TenantPolicies
from governance_svc.usecases.trust.assess_trust import Assessment, AssessTrust
from governance_svc.usecases.trust.grant_certification import GrantCertification
from governance_svc.usecases.trust.project_trust import ProjectTrust
from phoenix_runtime.chassis.data.access_log import OutboxAccessLog
from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.chassis.data.outbox import Outbox
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.chassis.rpc.channels import service_call
from phoenix_runtime.core.clock import ManualClock
from phoenix_runtime.core.documents import with_content
from phoenix_runtime.core.events import AuditEvent
from phoenix_runtime.core.json import content_hash
from phoenix_runtime.core.principal import Call
from tests.support.builders.audit_events import audit_event
from tests.support.builders.calls import call_of

SUBJECT = {"merge": ["a", "b"]}
CAPABILITY = "reference_data_validation"
HANG_GUARD = EngineLimits(evaluation=60.0, loading=60.0, queue=60.0)
"""No evaluation is cut off because the machine is slow."""


def registered(tenant: str) -> Any:
    """The registration of the participant ``p``."""
    detail = {"identity": {"assurance": "local"}, "owner": "data-governance"}
    return audit_event(tenant, type="PARTICIPANT_REGISTERED", participant="p", detail=detail)


@dataclass(frozen=True, slots=True)
class ManualGovernance:
    """The use cases of one tenant; ``worker`` is the database of the worker role."""

    database: Database
    worker: Database
    units: GovernanceUnits
    outbox: Outbox
    clock: ManualClock
    tenant: str
    trust: AssessTrust

    def service(self) -> Call:
        """A call of assignment on its own account."""
        return service_call("assignment", self.tenant, new_id)

    def claims(self) -> WorkerClaims:
        """The claims of the background workers."""
        return WorkerClaims(self.worker)

    def policy(self, engine: PolicyEngine, bundle: PolicyBundle | None = None) -> EvaluatePolicies:
        """Policy, decided by ``engine``, which has loaded ``bundle`` or the shipped one."""
        policies = TenantPolicies(bundle or shipped_bundle(), engine, self.clock)
        policies.complete()
        return EvaluatePolicies(policies, self.trust, self.clock, new_id)

    async def ask(self) -> str:
        """Request an approval; answers its id."""
        request = ApprovalRequest(
            "t", "merge", SUBJECT, content_hash(SUBJECT), "audit.corr.t", barred=("sam",)
        )
        result = await RequestApproval(self.units, self.clock, new_id)(self.service(), request)
        return result.approval.approval_id

    def expire(self) -> ExpireApprovals:
        """The expiry worker's use case."""
        return ExpireApprovals(self.claims(), self.units, self.clock, _own_call)

    async def status(self, approval_id: str) -> ApprovalStatus:
        """The state of an approval."""
        return (await GetApproval(self.units)(self.service(), approval_id)).status

    def decide(self, policy: EvaluatePolicies) -> DecideApproval:
        """Decides approvals, where ``policy`` allows."""
        denials = DenialLog(self.units, self.clock)
        return DecideApproval(self.units, policy, (denials, self._access(), self.trust), self.clock)

    async def certify(self, validity: timedelta) -> None:
        """Certify the participant ``p`` for `CAPABILITY`."""
        grant = GrantCertification(self.units, self.trust, self._access(), self.clock, new_id)
        until = self.clock.now() + validity
        request = CertificationRequest("p", CAPABILITY, "human", "seen it work", valid_until=until)
        await grant(call_of("operator", tenant=self.tenant), request)

    def _access(self) -> OutboxAccessLog:
        return OutboxAccessLog(self.units, clock=self.clock, new_id=new_id)

    async def append(self, *events: AuditEvent) -> None:
        """Append events to the ledger."""
        ledger = LocalLedger(GroupCommitLedger(self.database))
        await ledger.append(self.tenant, [with_content(event) for event in events])

    async def project(self, *, named: bool = True) -> None:
        """Project every entry of the ledger; not ``named``: after an append that was not told."""
        project = ProjectTrust(self.units, self.claims(), self.trust, _own_call)
        if named:
            project.appended(self.tenant)
        while await project():
            pass

    async def projections(self, *participants: str) -> dict[str, TrustProjection]:
        """The stored projections."""
        async with self.units.reading(self.service()) as unit:
            return dict(await unit.find_projections(participants))

    async def assess(self, query: TrustQuery) -> Assessment:
        """The trust in one participant."""
        (assessment,) = await self.trust(self.service(), [query])
        return assessment


def _own_call(tenant: str) -> Call:
    return service_call("governance", tenant, new_id)

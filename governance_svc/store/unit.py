"""One transaction of governance, as its use cases see it."""

from typing import Any, Final

from prometheus_client import Histogram
from sqlalchemy import Select, Table, select, update
from sqlalchemy.dialects.postgresql import insert

from governance_svc.domain.approvals.approval import Approval
from governance_svc.domain.lifecycle import ApprovalStatus
from governance_svc.domain.ports import Activation
from governance_svc.domain.trust.certification import Certification
from governance_svc.store.approvals import approval_of, approval_values
from governance_svc.store.certifications import certification_of, certification_values
from governance_svc.store.tables import approval, certification, policy_activation
from phoenix_runtime.chassis.data.database_errors import TransactionConflict
from phoenix_runtime.chassis.data.unit import Unit

CYCLE: Final = Histogram(
    "phoenix_dma_approval_cycle_seconds",
    "From a question to its end",
    ["status"],
    buckets=(1, 10, 60, 300, 900, 3600, 14400, 86400, 604800),
)


class GovernanceUnit(Unit):
    """Implements `domain.ports.Unit`."""

    async def approval(self, approval_id: str) -> Approval | None:
        """One approval, locked."""
        query = self._of(approval).where(approval.c.approval_id == approval_id)
        row = await self._first(query.with_for_update())
        return None if row is None else approval_of(row)

    async def newest_approval(
        self, task_id: str, action: str, subject_hash: str
    ) -> Approval | None:
        """The approval of the last round about one subject."""
        query = (
            self._of(approval)
            .where(
                approval.c.task_id == task_id,
                approval.c.action == action,
                approval.c.subject_hash == subject_hash,
            )
            .order_by(approval.c.round.desc())
            .limit(1)
        )
        row = await self._first(query)
        return None if row is None else approval_of(row)

    async def add_approval(self, added: Approval) -> bool:
        """Add a question; False where that round of the subject is taken."""
        statement = insert(approval).values(approval_values(self.tenant, added))
        key = ["tenant", "task_id", "action", "subject_hash", "round"]
        done = await self.connection.execute(statement.on_conflict_do_nothing(index_elements=key))
        return done.rowcount == 1

    async def end_approval(self, ended: Approval) -> None:
        """Record the end of a pending approval."""
        names = ("status", "version", "decided_by", "comment", "decide_time")
        values = approval_values(self.tenant, ended)
        chosen = {name: values[name] for name in (*names, "deciding_policy_decision_id")}
        statement = (
            update(approval)
            .where(
                approval.c.tenant == self.tenant,
                approval.c.approval_id == ended.approval_id,
                approval.c.status == ApprovalStatus.PENDING,
            )
            .values(chosen)
        )
        if (await self.connection.execute(statement)).rowcount != 1:
            raise TransactionConflict("The approval was decided at the same time")
        if ended.decide_time is not None:
            waited = ended.decide_time - ended.create_time
            CYCLE.labels(ended.status.value).observe(waited.total_seconds())

    async def certification(self, certification_id: str) -> Certification | None:
        """One certification, locked."""
        query = self._of(certification).where(certification.c.certification_id == certification_id)
        row = await self._first(query.with_for_update())
        return None if row is None else certification_of(row)

    async def add_certification(self, added: Certification) -> None:
        """Add a certification."""
        values = certification_values(self.tenant, added)
        await self.connection.execute(insert(certification).values(values))

    async def revoke_certification(self, revoked: Certification) -> None:
        """Record ``revoke_time`` and version."""
        await self.connection.execute(
            update(certification)
            .where(
                certification.c.tenant == self.tenant,
                certification.c.certification_id == revoked.certification_id,
            )
            .values(revoke_time=revoked.revoke_time, version=revoked.version)
        )

    async def newest_activation(self) -> Activation | None:
        """The revision that became active last."""
        query = self._of(policy_activation).order_by(policy_activation.c.version.desc()).limit(1)
        row = await self._first(query)
        if row is None:
            return None
        return Activation(row["version"], row["revision"], row["activate_time"])

    async def add_activation(self, activation: Activation) -> None:
        """Add an activation."""
        statement = insert(policy_activation).values(
            tenant=self.tenant,
            version=activation.version,
            revision=activation.revision,
            activate_time=activation.activate_time,
        )
        if (await self.connection.execute(statement.on_conflict_do_nothing())).rowcount != 1:
            raise TransactionConflict("Another replica announced the policy at the same time")

    def _of(self, table: Table) -> Select[Any]:
        return select(table).where(table.c.tenant == self.tenant)

    async def _first(self, query: Select[Any]) -> dict[str, Any] | None:
        row = (await self.connection.execute(query)).mappings().first()
        return None if row is None else dict(row)

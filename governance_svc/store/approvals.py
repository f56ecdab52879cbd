"""Approvals in their table."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, select, tuple_, update

from governance_svc.domain.approvals.approval import Approval, Question
from governance_svc.domain.lifecycle import ApprovalStatus
from governance_svc.domain.ports import ApprovalFilter
from governance_svc.store.positions import moment_position, page_of
from governance_svc.store.tables import approval as table
from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.core.claims import CLAIM_DURATION
from phoenix_runtime.core.documents import time_text
from phoenix_runtime.core.pages import Page, PageRequest


def approval_values(tenant: str, approval: Approval) -> dict[str, Any]:
    """The row of an approval."""
    question = approval.question
    return {
        "tenant": tenant,
        "approval_id": approval.approval_id,
        "task_id": question.task_id,
        "action": question.action,
        "subject_hash": question.subject_hash,
        "round": approval.round,
        "subject": json.dumps(question.subject, default=list),
        "status": approval.status.value,
        "version": approval.version,
        "approvers": list(question.approvers),
        "barred": list(question.barred),
        "barred_owners": list(question.barred_owners),
        "policy_decision_id": question.policy_decision_id,
        "correlation_id": question.correlation_id,
        "proposed_by": question.proposed_by,
        "requested_by": approval.requested_by,
        "request_event_id": approval.request_event_id,
        "create_time": approval.create_time,
        "expire_time": approval.expire_time,
        "decided_by": approval.decided_by,
        "comment": approval.comment,
        "deciding_policy_decision_id": approval.deciding_policy_decision_id,
        "decide_time": approval.decide_time,
    }


def approval_of(row: Mapping[str, Any]) -> Approval:
    """The approval in a row."""
    question = Question(
        task_id=row["task_id"],
        action=row["action"],
        subject=json.loads(row["subject"]),
        subject_hash=row["subject_hash"],
        correlation_id=row["correlation_id"],
        approvers=tuple(row["approvers"]),
        barred=tuple(row["barred"]),
        barred_owners=tuple(row["barred_owners"]),
        policy_decision_id=row["policy_decision_id"],
        proposed_by=row["proposed_by"],
        expire_time=row["expire_time"],
    )
    return Approval(
        approval_id=row["approval_id"],
        question=question,
        status=ApprovalStatus(row["status"]),
        requested_by=row["requested_by"],
        create_time=row["create_time"],
        expire_time=row["expire_time"],
        round=row["round"],
        version=row["version"],
        request_event_id=row["request_event_id"],
        decided_by=row["decided_by"],
        comment=row["comment"],
        deciding_policy_decision_id=row["deciding_policy_decision_id"],
        decide_time=row["decide_time"],
    )


class PostgresApprovals:
    """Implements `ApprovalReader`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, tenant: str, approval_id: str) -> Approval | None:
        """One approval."""
        query = _of(tenant).where(table.c.approval_id == approval_id)
        async with self._database.reading(tenant) as connection:
            row = (await connection.execute(query)).mappings().first()
        return None if row is None else approval_of(dict(row))

    async def page(self, tenant: str, wanted: ApprovalFilter, page: PageRequest) -> Page[Approval]:
        """Approvals, newest first."""
        query = _of(tenant)
        if wanted.statuses:
            query = query.where(table.c.status.in_([status.value for status in wanted.statuses]))
        if wanted.task_id:
            query = query.where(table.c.task_id == wanted.task_id)
        if page.after:
            position = moment_position(page.after)
            query = query.where(
                tuple_(table.c.create_time, table.c.approval_id) < tuple_(*position)
            )
        order = (table.c.create_time.desc(), table.c.approval_id.desc())
        async with self._database.reading(tenant) as connection:
            found = await connection.execute(query.order_by(*order).limit(page.size + 1))
            approvals = [approval_of(dict(row)) for row in found.mappings()]
        return page_of(approvals, page, lambda a: (time_text(a.create_time), a.approval_id))


class PostgresApprovalClaims:
    """Implements `ApprovalClaims`, over the worker role's database."""

    def __init__(self, database: Database, lasting: timedelta = CLAIM_DURATION) -> None:
        self._database = database
        self._lasting = lasting

    async def due(self, now: datetime, limit: int) -> Sequence[tuple[str, str]]:
        """Claim what is due; a claim is a column, so it dies with its claimer's patience."""
        free = table.c.claimed_until.is_(None) | (table.c.claimed_until <= now)
        due = (
            select(table.c.tenant, table.c.approval_id)
            .where(table.c.status == "pending", table.c.expire_time <= now, free)
            .order_by(table.c.expire_time)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        claim = (
            update(table)
            .where(tuple_(table.c.tenant, table.c.approval_id).in_(due))
            .values(claimed_until=now + self._lasting)
            .returning(table.c.tenant, table.c.approval_id)
        )
        async with self._database.claiming() as connection:
            return [(row.tenant, row.approval_id) for row in await connection.execute(claim)]


def _of(tenant: str) -> Select[Any]:
    return select(table).where(table.c.tenant == tenant)

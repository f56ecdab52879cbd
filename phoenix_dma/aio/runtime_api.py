"""The calls of clients by the paper's names: submit, assign, wait, decide, read."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from typing import Any, Final, TypeVar

from google.protobuf.message import Message

from phoenix_dma.aio.rpc.transport import Credential, Method, Transport
from phoenix_dma.briefing import TaskInfo, task_info
from phoenix_dma.errors import IllegalTransition
from phoenix_dma.listing import Listing, listing_of
from phoenix_dma.v1 import (
    approval_pb2,
    assignment_pb2,
    audit_pb2,
    governance_pb2,
    handoff_pb2,
    registry_pb2,
)
from phoenix_dma.wire.conversions import number, timestamp
from phoenix_dma.wire.reported_text import LONGEST_COMMENT, LONGEST_REASON, reported

PAGE: Final = 200
POLL_FIRST: Final = 0.05
POLL_LONGEST: Final = 1.0

Answer = TypeVar("Answer", bound=Message)


class RuntimeApi:
    """Calls under one credential; every method raises `phoenix_dma.errors.PhoenixError`."""

    def __init__(self, transport: Transport, credential: Credential) -> None:
        self.transport = transport
        self.stubs = transport.stubs
        self._credential = credential

    async def ask(self, method: Method[Answer], request: Message) -> Answer:
        """Call any RPC of the contract."""
        return await self.transport.ask(method, request, self._credential)

    async def submit(
        self, task: assignment_pb2.TaskDeclaration, *, request_id: str = ""
    ) -> TaskInfo:
        """Create a task; the engine then looks for an assignee."""
        request = assignment_pb2.SubmitTaskRequest(task=task, request_id=request_id)
        return task_info((await self.ask(self.stubs.assignment.SubmitTask, request)).task)

    async def assign(
        self, task: assignment_pb2.TaskDeclaration, *, request_id: str = ""
    ) -> assignment_pb2.AssignTaskResponse:
        """Assign now: a whole task is submitted first, a known id alone is enough (Algorithm 3)."""
        request = assignment_pb2.AssignTaskRequest(task=task, request_id=request_id)
        return await self.ask(self.stubs.assignment.AssignTask, request)

    async def explain(
        self, task: assignment_pb2.TaskDeclaration
    ) -> assignment_pb2.ExplainAssignmentResponse:
        """Who would get a task now, and why not the others; changes nothing."""
        request = assignment_pb2.ExplainAssignmentRequest(task=task)
        return await self.ask(self.stubs.assignment.ExplainAssignment, request)

    async def get_catalogue(self) -> governance_pb2.GetCatalogueResponse:
        """The words that the active policy knows, and its revision."""
        request = governance_pb2.GetCatalogueRequest()
        return await self.ask(self.stubs.governance.GetCatalogue, request)

    async def get_task(self, task_id: str) -> TaskInfo:
        """Read one task."""
        request = assignment_pb2.GetTaskRequest(task_id=task_id)
        return task_info((await self.ask(self.stubs.assignment.GetTask, request)).task)

    async def list_tasks(
        self, *, statuses: tuple[str, ...] = (), participant_id: str = "", limit: int = PAGE
    ) -> list[TaskInfo]:
        """The newest tasks, at most ``limit``."""
        wanted = [number(assignment_pb2.TaskStatus, status) for status in statuses]
        request = assignment_pb2.ListTasksRequest(statuses=wanted, participant_id=participant_id)
        found = await self.pages(self.stubs.assignment.ListTasks, request, "tasks", limit)
        return [task_info(task) for task in found]

    async def wait_for(
        self,
        task: str | TaskInfo,
        *,
        statuses: tuple[str, ...] = ("succeeded", "failed", "cancelled"),
        timeout: float | None = None,  # noqa: ASYNC109  # the wait's own, not each call's
    ) -> TaskInfo:
        """Wait until the task is in one of ``statuses``, or has ended; raises TimeoutError."""
        task_id = task if isinstance(task, str) else task.id
        until = None if timeout is None else time.monotonic() + timeout
        delay = POLL_FIRST
        while True:
            found = await self.get_task(task_id)
            if found.ended or found.status in statuses:
                return found
            if until is not None and time.monotonic() >= until:
                raise TimeoutError(f"{task_id} is still {found.status}")
            await asyncio.sleep(delay)
            delay = min(POLL_LONGEST, delay * 1.5)

    async def cancel(self, task_id: str, reason: str = "") -> TaskInfo:
        """End a task without a result."""
        request = assignment_pb2.CancelTaskRequest(
            task_id=task_id, reason=reported(reason, LONGEST_REASON)
        )
        return task_info((await self.ask(self.stubs.assignment.CancelTask, request)).task)

    async def hand_off(self, task_id: str, *, reason: str = "") -> handoff_pb2.Handoff:
        """Start a governed handoff of a task to another participant (Algorithm 5).

        Raises `IllegalTransition` where nobody holds it.
        """
        task = await self.get_task(task_id)
        if not task.participant:
            raise IllegalTransition(
                f"{task_id} is {task.status}, and nobody holds it",
                {"from": task.status, "attempted": "hand_off"},
                remedy="Only a task that somebody holds is handed off.",
            )
        request = handoff_pb2.InitiateHandoffRequest(
            task_id=task_id,
            source=task.participant,
            reason=reported(reason or "requested", LONGEST_REASON),
        )
        return (await self.ask(self.stubs.handoffs.InitiateHandoff, request)).handoff

    async def retire(
        self,
        participant_id: str,
        *,
        mode: str = "graceful",
        deadline: datetime | None = None,
        reason: str = "",
    ) -> handoff_pb2.Retirement:
        """Retire a participant, permanently (Algorithm 6); ``mode`` is graceful or immediate.

        Raises ValueError for a ``deadline`` without a time zone.
        """
        request = handoff_pb2.RetireParticipantRequest(
            participant_id=participant_id,
            mode=number(handoff_pb2.RetirementMode, mode),
            deadline=timestamp(deadline, "deadline"),
            reason=reported(reason, LONGEST_REASON),
        )
        return (await self.ask(self.stubs.handoffs.RetireParticipant, request)).retirement

    async def list_participants(
        self, *, statuses: tuple[str, ...] = (), types: tuple[str, ...] = (), limit: int = PAGE
    ) -> list[registry_pb2.Participant]:
        """The participants of the tenant, by id."""
        request = registry_pb2.ListParticipantsRequest(
            statuses=[number(registry_pb2.ParticipantStatus, status) for status in statuses],
            types=types,
        )
        return await self.pages(
            self.stubs.registry.ListParticipants, request, "participants", limit
        )

    async def get_participant(self, participant_id: str) -> registry_pb2.Participant:
        """Read one participant."""
        request = registry_pb2.GetParticipantRequest(participant_id=participant_id)
        return (await self.ask(self.stubs.registry.GetParticipant, request)).participant

    async def discover(
        self, request: registry_pb2.DiscoverParticipantsRequest
    ) -> registry_pb2.DiscoverParticipantsResponse:
        """Who is eligible for a need, ranked, and who was excluded (Algorithm 2)."""
        return await self.ask(self.stubs.registry.DiscoverParticipants, request)

    async def list_approvals(
        self, *, statuses: tuple[str, ...] = (), task_id: str = "", limit: int = PAGE
    ) -> list[approval_pb2.Approval]:
        """The newest approvals."""
        request = approval_pb2.ListApprovalsRequest(
            statuses=[number(approval_pb2.ApprovalStatus, status) for status in statuses],
            task_id=task_id,
        )
        return await self.pages(self.stubs.approvals.ListApprovals, request, "approvals", limit)

    async def get_approval(self, approval_id: str) -> approval_pb2.Approval:
        """Read one approval."""
        request = approval_pb2.GetApprovalRequest(approval_id=approval_id)
        return (await self.ask(self.stubs.approvals.GetApproval, request)).approval

    async def decide(
        self, approval_id: str, *, approve: bool, comment: str, subject_hash: str = ""
    ) -> approval_pb2.Approval:
        """Approve or reject, as a human participant with the role reviewer."""
        request = approval_pb2.DecideApprovalRequest(
            approval_id=approval_id,
            approve=approve,
            comment=reported(comment, LONGEST_COMMENT),
            subject_hash=subject_hash,
        )
        return (await self.ask(self.stubs.approvals.DecideApproval, request)).approval

    async def lineage(self, task_id: str) -> list[audit_pb2.AuditEvent]:
        """Every audit event of a task and its children, oldest first."""
        request = audit_pb2.GetLineageRequest(task_id=task_id)
        return await self.pages(self.stubs.audit.GetLineage, request, "events", None)

    async def audit(
        self, request: audit_pb2.ListAuditEventsRequest, *, limit: int | None = PAGE
    ) -> list[audit_pb2.AuditEvent]:
        """Audit events by filter, oldest first."""
        return await self.pages(self.stubs.audit.ListAuditEvents, request, "events", limit)

    async def certify(
        self, participant_id: str, capability: str, *, evidence: str, method: str = "human"
    ) -> governance_pb2.Certification:
        """Certify a capability of a participant."""
        request = governance_pb2.GrantCertificationRequest(
            participant_id=participant_id, capability=capability, evidence=evidence, method=method
        )
        answer = await self.ask(self.stubs.governance.GrantCertification, request)
        return answer.certification

    async def listing(
        self, method: Method[Any], request: Any, field: str, last: int
    ) -> Listing[Any]:
        """The ``last`` newest items of a list that is answered newest first; 0 is all of them."""
        request.page_size = max(1, min(PAGE, last or PAGE))
        request.with_total = last > 0
        answer = await self.ask(method, request)
        found, total = list(getattr(answer, field)), answer.total_size
        request.with_total = False
        while answer.next_page_token and (not last or len(found) < last):
            request.page_token = answer.next_page_token
            answer = await self.ask(method, request)
            found.extend(getattr(answer, field))
        return listing_of(found[:last] if last else found, total)

    async def pages(
        self, method: Method[Any], request: Any, field: str, limit: int | None
    ) -> list[Any]:
        """The items in ``field`` of as many pages as it takes to have ``limit``; None is all."""
        found: list[Any] = []
        while True:
            left = PAGE if limit is None else limit - len(found)
            request.page_size = max(1, min(PAGE, left))
            answer = await self.ask(method, request)
            found.extend(getattr(answer, field))
            if not answer.next_page_token or (limit is not None and len(found) >= limit):
                return found[:limit]
            request.page_token = answer.next_page_token

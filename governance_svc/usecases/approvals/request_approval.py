"""Asks a human; asking for the same subject twice is one request (governance: Approvals)."""

from dataclasses import dataclass, replace

from governance_svc.domain.approvals.approval import DEFAULT_VALIDITY, Approval, Question
from governance_svc.domain.approvals.events import approval_event
from governance_svc.domain.approvals.validation import check_question
from governance_svc.domain.lifecycle import APPROVALS
from governance_svc.domain.ports import Unit, Units
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.errors import Unavailable
from phoenix_runtime.core.ids import NewId
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.receipt import Receipt

TRIES = 3
"""Somebody was quicker: then the second look finds what they asked."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The question, with the proof that it is on record."""

    approval: Approval
    receipt: Receipt


class _Overtaken(Exception):
    """The same question was asked by somebody else in the same moment."""


class RequestApproval:
    """Idempotent by (task, action, subject hash); a refusal is remembered for them."""

    def __init__(self, units: Units, clock: Clock, new_id: NewId) -> None:
        self._units = units
        self._clock = clock
        self._new_id = new_id

    async def __call__(self, call: Call, question: Question) -> Asked:
        """The approval of ``question``, asked now or before; raises `FieldInvalid`, `TooLarge`."""
        check_question(question, self._clock.now())
        for _ in range(TRIES):
            try:
                async with self._units(call.about(question.correlation_id)) as unit:
                    return await self._ask(unit, call, question)
            except _Overtaken:
                continue
        raise Unavailable("Too many ask for the same approval at once")

    async def _ask(self, unit: Unit, call: Call, question: Question) -> Asked:
        """The recorded answer to the subject, where there is one; else the question."""
        known = await unit.newest_approval(question.task_id, question.action, question.subject_hash)
        if known is not None and known.answers(question.supersedes):
            receipt = Receipt(known.request_event_id, known.question.correlation_id, 1)
            return Asked(known, receipt)
        asked = self._new(call, question, known)
        receipt = await unit.audit(approval_event(asked, None))
        asked = replace(asked, request_event_id=receipt.audit_event_id)
        if not await unit.add_approval(asked):
            raise _Overtaken
        return Asked(asked, receipt)

    def _new(self, call: Call, question: Question, known: Approval | None) -> Approval:
        now = self._clock.now()
        return Approval(
            approval_id=self._new_id("approval"),
            question=question,
            status=APPROVALS.apply(None, "request", "service"),
            requested_by=call.service or call.actor,
            create_time=now,
            expire_time=question.expire_time or now + DEFAULT_VALIDITY,
            round=1 if known is None else known.round + 1,
        )

"""A task as an asynchronous handler sees it: its facts, and the calls under its epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from phoenix_dma.aio.work.actions import TaskActions, action_of
from phoenix_dma.aio.work.context_reader import ContextReader
from phoenix_dma.aio.work.effects import AsyncEffect, once, record_found
from phoenix_dma.aio.work.held_calls import held_call
from phoenix_dma.aio.work.newest_context import NewestContext
from phoenix_dma.aio.work.participant_session import ParticipantSession
from phoenix_dma.aio.work.task_lease import TaskLease
from phoenix_dma.briefing import (
    Authorization,
    Checkpoint,
    EffectInfo,
    Obligation,
    TaskInfo,
    checkpoint_of,
    decisions_of,
    effect_info,
    task_info,
)
from phoenix_dma.context import NOTHING, Context
from phoenix_dma.decisions import decision_entry
from phoenix_dma.v1 import (
    assignment_pb2,
    audit_pb2,
    common_pb2,
    handoff_pb2,
    state_pb2,
)
from phoenix_dma.wire.conversions import json_of, number, short
from phoenix_dma.wire.reported_text import LONGEST_REASON, reported


class AsyncTask:
    """What an asynchronous handler works with; `phoenix_dma.Task` is its synchronous face.

    Every writing method raises `AssignmentLost` once the task is not held any more.
    """

    def __init__(
        self,
        briefing: assignment_pb2.TaskBriefing,
        session: ParticipantSession,
        lease: TaskLease,
        *,
        reader: ContextReader,
        restored: Context | None = None,
    ) -> None:
        task = briefing.task
        self.message = task
        self.id = task.task_id
        self.objective = task.objective
        self.epoch = task.assignment.epoch
        self.attempt = task.attempt
        self.context_ref = task.context_ref
        self.correlation_id = task.correlation_id
        self.parent_task_id = task.parent_task_id
        self.required_capabilities = tuple(task.required_capabilities)
        self.data_domains = tuple(task.data_domains)
        self.risk_level = short(common_pb2.RiskLevel, task.risk_level)
        self.policy_constraints = tuple(task.policy_constraints)
        self.input = json_of(briefing.input)
        self.approvals = decisions_of(briefing.approvals)
        self.open_children = tuple(briefing.open_children)
        self.unknown_effects = tuple(effect_info(one) for one in briefing.unknown_effects)
        self.lease = lease
        self._actions = TaskActions(task, session, lease)
        self._session = session
        self._reader = reader
        self._newest = NewestContext(
            task.context_ref, briefing.context.version, reader, self._record
        )
        self._newest.known = restored

    @property
    def obligations(self) -> tuple[Obligation, ...]:
        """The conditions that policy attached."""
        return self._actions.obligations

    @property
    def version(self) -> int:
        """The version of the newest context that this handler has seen; 0 is the input."""
        return self._newest.version

    @property
    def restored(self) -> bool:
        """True where a checkpoint was recorded before: continue from `context`, not anew."""
        return self.version > 0

    @property
    def cancelled(self) -> bool:
        """True once the task is not held any more; a handler should end then."""
        return self.lease.lost

    @property
    def checkpoint_wanted(self) -> bool:
        """True while a checkpoint is asked for soon: a handoff or retirement waits for it."""
        return self.lease.checkpoint_wanted.is_set()

    @property
    def draining(self) -> bool:
        """True once the participant is leaving: finish soon, or checkpoint and raise `HandOff`."""
        return self.lease.draining.is_set()

    async def context(self) -> Context:
        """The newest context: the submitted input at version 0."""
        return await self._newest.read()

    async def load(self, context_ref: str) -> Context:
        """The context at an address; at the task's own address, `context`."""
        return await (
            self.context() if context_ref == self.context_ref else self._read(context_ref)
        )

    async def _read(self, context_ref: str) -> Context:
        return await self._reader.read(context_ref)

    def fulfil(self, obligation_id: str, decision: Any) -> None:
        """Meet an obligation by a decision: it is recorded with the next checkpoint.

        ``decision`` says what was decided, in a sentence or as JSON; it becomes an entry of the
        context's ``decisions``. Where no checkpoint follows, one is made before the task completes.
        Raises ValueError where the task has no such obligation, or no decision meets it.
        """
        self._newest.decisions.append(decision_entry(self.obligations, obligation_id, decision))

    async def record_decisions(self) -> None:
        """Checkpoint what `fulfil` was given and no checkpoint has recorded yet."""
        if self._newest.decisions:
            await self.checkpoint()

    async def checkpoint(self, value: Any = NOTHING, /, **kinds: Any) -> Checkpoint:
        """Record what is known now, on top of the context that this handler has seen.

        A plain ``value`` is filed under ``outputs``, ``kinds`` (``decisions=…``, ``artifacts=…``)
        under their names, beside what earlier checkpoints hold; a `Context` replaces the whole.
        Checkpoints of one handler are recorded one after the other, in the order of the calls, each
        on top of the one before. Raises `NotJson` where the value has no form in JSON, and
        `ContextVersionConflict` where somebody else recorded one in between.
        """
        inputs = {"inputs": self.input} if self.input else {}
        first = {"objective": self.objective, **inputs}
        return await self._newest.checkpoint(first, value, kinds)

    async def checkpoint_reference(
        self, state_ref: str, content_hash: str, *, owner: str = "", protocol: str = ""
    ) -> Checkpoint:
        """Record state that is stored elsewhere: its address, its ``sha256:…``, its protocol.

        ``protocol`` is read_in_place, copy_then_verify or transfer_ownership.
        """
        request = state_pb2.CheckpointContextRequest(
            state_ref=state_ref,
            hash=content_hash,
            owner=owner,
            handoff_protocol=number(state_pb2.HandoffProtocol, protocol),
        )
        return await self._newest.refer(request)

    async def authorize(
        self,
        kind: str,
        name: str,
        *,
        domain: str = "",
        subject: Mapping[str, Any] | None = None,
        wait: bool = True,
    ) -> Authorization:
        """Ask to act: ``kind`` is tool_invocation, data_read, data_mutation or final_action.

        Where a human has to approve ``subject`` first, waits for it; with ``wait=False`` raises
        `ApprovalRequired`. Raises `ApprovalRejected` where the human refused, `PolicyDenied` where
        policy did.
        """
        return await self._actions.authorize(action_of(kind, name, domain, subject), wait=wait)

    def effect(
        self,
        kind: str,
        name: str,
        subject: Mapping[str, Any] | None = None,
        *,
        domain: str = "",
        idempotent: bool = False,
    ) -> AsyncEffect:
        """Do something outside, once: ``async with task.effect(…) as effect`` asks as `authorize`.

        Give what is called ``effect.key`` as its idempotency key, and tell ``effect.done(outcome)``
        what came of it. ``idempotent``: it does nothing twice under one key, so it may be repeated
        where nobody knows whether it was done. The block begins with `EffectHappened` where it was
        done before, and with `EffectUnknown` where somebody has to look first; `once` does both.
        """
        action = action_of(kind, name, domain, subject)
        return AsyncEffect(self._actions, action, idempotent=idempotent)

    async def once(
        self,
        effect: AsyncEffect,
        do: Callable[[str], Any],
        look: Callable[[str], Any] | None = None,
    ) -> Any:
        """Do ``effect`` by ``do(key)`` unless it was done before; answers what came of it, as JSON.

        Where nobody knows, ``look(key)`` finds out: None where it was not done, else its outcome.
        Without ``look``, raises `EffectUnknown` where policy does not let it be repeated.
        """
        return await once(effect, do, look)

    async def record_effect(
        self, key: str, *, happened: bool, outcome: Any = None, why: str = ""
    ) -> EffectInfo:
        """Record what was found of an effect that somebody began, such as an `EffectUnknown`."""
        return await record_found(self._actions, key, (happened, outcome, why))

    async def submit(
        self, task: assignment_pb2.TaskDeclaration, *, request_id: str = ""
    ) -> TaskInfo:
        """Submit a child of this task; parent and epoch are filled in."""
        declared = assignment_pb2.TaskDeclaration()
        declared.CopyFrom(task)
        declared.parent_task_id, declared.parent_epoch = self.id, self.epoch
        request = assignment_pb2.SubmitTaskRequest(task=declared, request_id=request_id)
        answer = await self._write(self._session.stubs.assignment.SubmitTask, request)
        return task_info(answer.task)

    async def read_task(self, task_id: str) -> TaskInfo:
        """Any task of the tenant, such as a child."""
        request = assignment_pb2.GetTaskRequest(task_id=task_id)
        answer = await self._session.ask(self._session.stubs.assignment.GetTask, request)
        return task_info(answer.task)

    async def lineage(self) -> list[audit_pb2.AuditEvent]:
        """The audit events of this task so far, its children's included, oldest first.

        It may be ahead of the ledger, which is told of it a moment later, and waits for that.
        """
        request = audit_pb2.GetLineageRequest(task_id=self.id, page_size=200, epoch=self.epoch)
        events: list[audit_pb2.AuditEvent] = []
        while True:
            answer = await self._session.ask(self._session.stubs.audit.GetLineage, request)
            events.extend(answer.events)
            if not answer.next_page_token:
                return events
            request.page_token = answer.next_page_token

    async def hand_off(self, reason: str = "requested") -> handoff_pb2.Handoff:
        """Ask for a handoff to another participant; work goes on until the task is lost."""
        request = handoff_pb2.InitiateHandoffRequest(
            task_id=self.id,
            source=self.message.assignment.participant_id,
            reason=reported(reason, LONGEST_REASON),
        )
        answer = await self._write(self._session.stubs.handoffs.InitiateHandoff, request)
        handoff: handoff_pb2.Handoff = answer.handoff
        return handoff

    async def _record(self, request: state_pb2.CheckpointContextRequest) -> Checkpoint:
        request.task_id, request.epoch = self.id, self.epoch
        answer = await self._write(self._session.stubs.state.CheckpointContext, request)
        self.lease.checkpoint_wanted.clear()
        return checkpoint_of(answer.checkpoint, answer.receipt.audit_event_id)

    async def _write(self, method: Any, request: Any) -> Any:
        return await held_call(self._session, self.lease, method, request)

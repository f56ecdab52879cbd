"""Between assignment's messages and its values: tasks, contexts, briefings, declarations."""

from datetime import timedelta
from typing import Any

from assignment_svc.domain.actions.effect import Effect
from assignment_svc.domain.approval import ApprovalUse
from assignment_svc.domain.context import ContextPointer, context_address
from assignment_svc.domain.declaration import TaskDeclaration
from assignment_svc.domain.task import Binding, Parked, Task, TaskObligation
from assignment_svc.usecases.steps.briefing import Briefing
from phoenix_dma.v1 import assignment_pb2, common_pb2
from phoenix_runtime.chassis.rpc.conversions import (
    json_object,
    number,
    seconds_from_pb,
    short,
    time_from_pb,
    time_to_pb,
)
from phoenix_runtime.chassis.rpc.structs import json_to_struct, struct_to_json
from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.verdict import evidence_of


def declaration_from_pb(given: assignment_pb2.TaskDeclaration) -> TaskDeclaration:
    """A task as a caller declares it, not validated yet."""
    return TaskDeclaration(
        task_id=given.task_id,
        objective=given.objective,
        required_capabilities=tuple(given.required_capabilities),
        data_domains=tuple(given.data_domains),
        risk_level=short(common_pb2.RiskLevel, given.risk_level),
        context_ref=given.context_ref,
        policy_constraints=tuple(given.policy_constraints),
        input=struct_to_json(given.input, "task.input") if given.HasField("input") else None,
        priority=given.priority,
        deadline=time_from_pb(given, "deadline"),
        start_timeout=_span(given, "start_timeout"),
        attempt_timeout=_span(given, "attempt_timeout"),
        max_attempts=given.max_attempts,
        max_losses=given.max_losses if given.HasField("max_losses") else None,
        parent_task_id=given.parent_task_id,
        parent_epoch=given.parent_epoch,
        detached=given.detached,
        degraded_allowed=given.degraded_allowed,
        intent=short(assignment_pb2.AssignmentIntent, given.assignment_intent),
        task_type=given.task_type,
    )


def task_to_pb(task: Task, result: JsonObject | None = None) -> assignment_pb2.Task:
    """A task as the runtime knows it; ``result`` is the content behind its result hash."""
    spec = task.spec
    return assignment_pb2.Task(
        task_id=spec.task_id,
        objective=spec.objective,
        required_capabilities=spec.required_capabilities,
        data_domains=spec.data_domains,
        risk_level=number(common_pb2.RiskLevel, spec.risk_level),
        context_ref=context_address(spec.task_id),
        policy_constraints=spec.policy_constraints,
        status=number(assignment_pb2.TaskStatus, task.status),
        assignment=_assignment_to_pb(task.binding),
        last_checkpoint=pointer_to_pb(task.pointer) if task.pointer is not None else None,
        correlation_id=task.correlation_id,
        parent_task_id=spec.parent_task_id,
        attempt=task.attempt,
        max_attempts=spec.max_attempts,
        epoch=task.epoch,
        priority=spec.priority,
        input_hash=spec.input_hash,
        result=json_object(result),
        result_hash=task.result_hash,
        reason=task.reason,
        why=task.why,
        parked=_parked_to_pb(task.parked),
        obligations=[_obligation_to_pb(one) for one in task.obligations],
        submitter=task.submitter,
        handoff_id=task.handoff_id,
        submit_time=time_to_pb(task.submitted_at),
        update_time=time_to_pb(task.updated_at),
        deadline=time_to_pb(spec.deadline_at),
        version=task.version,
        detached=spec.detached,
        degraded_allowed=spec.degraded_allowed,
        task_type=spec.task_type,
        losses=task.losses,
        max_losses=spec.max_losses,
        lost_owners=task.lost_owners,
    )


def pointer_to_pb(pointer: ContextPointer) -> common_pb2.ContextPointer:
    """Where a context lives and how it is recognised."""
    return common_pb2.ContextPointer(
        context_ref=pointer.address,
        hash=pointer.hash,
        version=pointer.version,
        size_bytes=pointer.size_bytes,
        by_reference=pointer.by_reference,
        participant_id=pointer.participant_id,
        epoch=pointer.epoch,
        record_time=time_to_pb(pointer.recorded_at),
    )


def briefing_to_pb(briefing: Briefing) -> assignment_pb2.TaskBriefing:
    """Everything that the holder of a task needs to work on."""
    return assignment_pb2.TaskBriefing(
        task=task_to_pb(briefing.task),
        input=json_to_struct(briefing.input),
        context=pointer_to_pb(briefing.context),
        approvals=[_use_to_pb(use) for use in briefing.approvals],
        open_children=briefing.open_children,
        unknown_effects=[effect_to_pb(effect) for effect in briefing.unknown_effects],
    )


def effect_to_pb(effect: Effect) -> assignment_pb2.Effect:
    """An effect outside the runtime, without its subject and its outcome."""
    return assignment_pb2.Effect(
        authorization_id=effect.authorization_id,
        task_id=effect.task_id,
        kind=number(assignment_pb2.ActionKind, effect.kind),
        name=effect.action,
        domain=effect.domain,
        subject_hash=effect.subject_hash,
        status=number(assignment_pb2.EffectStatus, effect.status),
        idempotent=effect.idempotent,
        begun=effect.begun,
        participant_id=effect.participant_id,
        epoch=effect.epoch,
        begin_time=time_to_pb(effect.begun_at),
        approval_id=effect.approval_id,
        recorded_by=effect.recorded_by,
        record_time=time_to_pb(effect.recorded_at),
        why=effect.why,
        outcome_hash=effect.outcome_hash,
    )


def _span(holder: Any, field: str) -> timedelta | None:
    seconds = seconds_from_pb(holder, field)
    return None if seconds is None else timedelta(seconds=seconds)


def _assignment_to_pb(binding: Binding | None) -> assignment_pb2.Assignment | None:
    if binding is None:
        return None
    return assignment_pb2.Assignment(
        assignment_id=binding.assignment_id,
        participant_id=binding.participant_id,
        epoch=binding.epoch,
        generation=binding.generation,
        policy_decision_id=binding.decision_id,
        bind_time=time_to_pb(binding.bound_at),
    )


def _parked_to_pb(parked: Parked | None) -> assignment_pb2.Parked | None:
    if parked is None:
        return None
    return assignment_pb2.Parked(
        action=parked.action.value,
        approval_id=parked.approval_id,
        subject_hash=parked.subject_hash,
    )


def _obligation_to_pb(obligation: TaskObligation) -> common_pb2.Obligation:
    return common_pb2.Obligation(
        id=obligation.id,
        text=obligation.text,
        due=obligation.due,
        policy_decision_id=obligation.decision_id,
        fulfilled=obligation.fulfilled,
        met_by=evidence_of(obligation.due, obligation.met_by),
        action=obligation.action,
        evidence=obligation.evidence,
        met_event_id=obligation.met_event_id,
    )


def _use_to_pb(use: ApprovalUse) -> assignment_pb2.ApprovalUse:
    approval = use.approval
    return assignment_pb2.ApprovalUse(
        approval_id=approval.approval_id,
        action=approval.action,
        subject_hash=approval.subject_hash,
        authorization_id=use.authorization_id,
        outcome=approval.state.value,
        decided_by=approval.decided_by,
        comment=approval.comment,
    )

"""Between the messages of effects outside the runtime and their values."""

from assignment_svc.api.convert_task import effect_to_pb
from assignment_svc.domain.actions.effect import Effect, EffectFilter, Outcome
from assignment_svc.domain.states import ActionKind, EffectStatus
from assignment_svc.usecases.actions.action import Action
from assignment_svc.usecases.actions.begin_effect import BegunEffect
from assignment_svc.usecases.actions.read_effects import ObservedEffect
from assignment_svc.usecases.actions.record_effect import EffectReport, RecordedEffect
from phoenix_dma.v1 import assignment_pb2, effect_pb2
from phoenix_runtime.chassis.rpc.conversions import (
    obligation_to_pb,
    receipt_to_pb,
    short,
    verdict_to_pb,
)
from phoenix_runtime.chassis.rpc.pages import page_to_pb
from phoenix_runtime.chassis.rpc.structs import json_to_struct, struct_to_json
from phoenix_runtime.core.pages import Page


def action_from_pb(
    request: assignment_pb2.AuthorizeActionRequest | effect_pb2.BeginEffectRequest,
) -> Action:
    """What an assignee wants to do."""
    subject = struct_to_json(request.subject, "subject") if request.HasField("subject") else {}
    return Action(
        task_id=request.task_id,
        epoch=request.epoch,
        kind=ActionKind(short(assignment_pb2.ActionKind, request.kind)),
        name=request.name,
        subject=subject,
        domain=request.domain,
    )


def begun_to_pb(begun: BegunEffect) -> effect_pb2.BeginEffectResponse:
    """An effect that begins, or what came of one that was done before."""
    verdict = begun.verdict
    made = effect_pb2.BeginEffectResponse(
        effect=effect_to_pb(begun.effect), receipt=receipt_to_pb(begun.receipt)
    )
    if verdict is not None:
        made.verdict.CopyFrom(verdict_to_pb(verdict))
        owed = (obligation_to_pb(one, verdict.decision_id) for one in verdict.obligations)
        made.obligations.extend(owed)
    if begun.outcome is not None:
        made.effect.outcome.CopyFrom(json_to_struct(begun.outcome))
    return made


def report_from_pb(request: effect_pb2.RecordEffectRequest) -> EffectReport:
    """What an owner says came of an effect."""
    given = request.HasField("outcome")
    outcome = Outcome(
        status=EffectStatus(short(assignment_pb2.EffectStatus, request.status)),
        why=request.why,
        content=struct_to_json(request.outcome, "outcome") if given else None,
    )
    return EffectReport(request.task_id, request.epoch, request.authorization_id, outcome)


def recorded_to_pb(recorded: RecordedEffect) -> effect_pb2.RecordEffectResponse:
    """The effect with its outcome."""
    return effect_pb2.RecordEffectResponse(
        effect=effect_to_pb(recorded.effect), receipt=receipt_to_pb(recorded.receipt)
    )


def observed_to_pb(observed: ObservedEffect) -> effect_pb2.GetEffectResponse:
    """One effect, with its subject and its outcome."""
    effect = effect_to_pb(observed.effect)
    effect.subject.CopyFrom(json_to_struct(observed.subject))
    if observed.outcome is not None:
        effect.outcome.CopyFrom(json_to_struct(observed.outcome))
    return effect_pb2.GetEffectResponse(effect=effect)


def effect_filter_from_pb(request: effect_pb2.ListEffectsRequest) -> EffectFilter:
    """Which effects are wanted."""
    named = (short(assignment_pb2.EffectStatus, one) for one in request.statuses)
    return EffectFilter(
        task_id=request.task_id, statuses=tuple(EffectStatus(name) for name in named if name)
    )


def effects_to_pb(page: Page[Effect]) -> effect_pb2.ListEffectsResponse:
    """A page of effects."""
    made, token = page_to_pb(page, effect_to_pb)
    return effect_pb2.ListEffectsResponse(
        effects=made, next_page_token=token, total_size=page.total
    )

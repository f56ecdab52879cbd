"""Between assignment's messages and its values: handoffs and retirements."""

from assignment_svc.api.convert_task import briefing_to_pb
from assignment_svc.domain.context import context_address
from assignment_svc.domain.handoff import Acceptance, Handoff, HandoffFilter, Offer
from assignment_svc.domain.retirement import Retirement, RetirementFilter
from assignment_svc.domain.states import HandoffStatus, RetirementMode, RetirementStatus
from assignment_svc.domain.task import Exclusion
from assignment_svc.domain.texts import checked_obligations
from assignment_svc.usecases.handoff.complete_handoff import HandoffCompletion, TakenOver
from assignment_svc.usecases.handoff.read_handoffs import HandoffView
from assignment_svc.usecases.handoff.results import HandoffResult
from assignment_svc.usecases.membership.retire_participant import (
    RetirementRequest,
    RetirementResult,
)
from phoenix_dma.v1 import assignment_pb2, common_pb2, handoff_pb2
from phoenix_runtime.chassis.rpc.conversions import (
    number,
    receipt_to_pb,
    short,
    time_from_pb,
    time_to_pb,
)
from phoenix_runtime.chassis.rpc.pages import page_to_pb
from phoenix_runtime.core.pages import Page

REFUSED_SHOWN = 200
"""Refused targets that one answer names: thousands may have declined in turn."""


def handoff_to_pb(handoff: Handoff, refused: tuple[Exclusion, ...] = ()) -> handoff_pb2.Handoff:
    """A handoff as the runtime knows it."""
    offer = handoff.offer
    parked = handoff.parked
    asked = offer.target if offer is not None else parked.target if parked is not None else ""
    return handoff_pb2.Handoff(
        handoff_id=handoff.handoff_id,
        task_id=handoff.task_id,
        source=handoff.source,
        target=handoff.target or asked,
        status=number(handoff_pb2.HandoffStatus, handoff.status),
        reason=handoff.reason,
        source_gone=handoff.source_gone,
        source_epoch=handoff.source_epoch,
        target_epoch=handoff.target_epoch,
        offer_id=offer.offer_id if offer is not None else "",
        offer_deadline=time_to_pb(offer.deadline) if offer is not None else None,
        context=_offered(handoff.task_id, offer) if offer is not None else None,
        received_hash=handoff.received_hash,
        accepted_obligations=handoff.accepted_obligations,
        policy_decision_id=handoff.decision_id or (offer.decision_id if offer else ""),
        approval_id=parked.approval_id if parked is not None else handoff.approval_id,
        refused_targets=[_refused_to_pb(one) for one in refused[:REFUSED_SHOWN]],
        correlation_id=handoff.correlation_id,
        create_time=time_to_pb(handoff.created_at),
        update_time=time_to_pb(handoff.updated_at),
    )


def _offered(task_id: str, offer: Offer) -> common_pb2.ContextPointer:
    version = offer.context_version
    address = f"phoenix://state/{task_id}/{version}" if version else context_address(task_id)
    return common_pb2.ContextPointer(context_ref=address, hash=offer.context_hash, version=version)


def _refused_to_pb(entry: Exclusion) -> assignment_pb2.Alternative:
    return assignment_pb2.Alternative(
        participant_id=entry.participant_id,
        failed=entry.reason,
        because=entry.because,
        policy_decision_id=entry.decision_id,
    )


def view_to_pb(view: HandoffView) -> handoff_pb2.GetHandoffResponse:
    """One handoff, with those who are not asked again."""
    return handoff_pb2.GetHandoffResponse(handoff=handoff_to_pb(view.handoff, view.refused))


def handoffs_to_pb(page: Page[Handoff]) -> handoff_pb2.ListHandoffsResponse:
    """A page of handoffs."""
    made, token = page_to_pb(page, handoff_to_pb)
    return handoff_pb2.ListHandoffsResponse(
        handoffs=made, next_page_token=token, total_size=page.total
    )


def handoff_filter_from_pb(request: handoff_pb2.ListHandoffsRequest) -> HandoffFilter:
    """Which handoffs a list shows."""
    names = (short(handoff_pb2.HandoffStatus, value) for value in request.statuses)
    return HandoffFilter(
        task_id=request.task_id,
        participant_id=request.participant_id,
        statuses=tuple(HandoffStatus(name) for name in names if name),
    )


def completion_from_pb(request: handoff_pb2.CompleteHandoffRequest) -> HandoffCompletion:
    """What the target answers."""
    accepted = checked_obligations("accepted_obligations", request.accepted_obligations)
    acceptance = Acceptance(request.received_hash, accepted)
    return HandoffCompletion(request.handoff_id, request.offer_id, acceptance)


def initiated_to_pb(result: HandoffResult) -> handoff_pb2.InitiateHandoffResponse:
    """The started handoff."""
    return handoff_pb2.InitiateHandoffResponse(
        handoff=handoff_to_pb(result.handoff), receipt=receipt_to_pb(result.receipt)
    )


def taken_to_pb(taken: TakenOver) -> handoff_pb2.CompleteHandoffResponse:
    """The completed handoff and what to work on."""
    return handoff_pb2.CompleteHandoffResponse(
        handoff=handoff_to_pb(taken.handoff),
        briefing=briefing_to_pb(taken.briefing),
        receipt=receipt_to_pb(taken.receipt),
    )


def declined_to_pb(result: HandoffResult) -> handoff_pb2.DeclineHandoffResponse:
    """The handoff, looking further."""
    return handoff_pb2.DeclineHandoffResponse(
        handoff=handoff_to_pb(result.handoff), receipt=receipt_to_pb(result.receipt)
    )


def aborted_to_pb(result: HandoffResult) -> handoff_pb2.AbortHandoffResponse:
    """The aborted handoff."""
    return handoff_pb2.AbortHandoffResponse(
        handoff=handoff_to_pb(result.handoff), receipt=receipt_to_pb(result.receipt)
    )


def leaving_from_pb(request: handoff_pb2.RetireParticipantRequest) -> RetirementRequest:
    """Who retires, and how."""
    mode = short(handoff_pb2.RetirementMode, request.mode)
    return RetirementRequest(
        participant_id=request.participant_id,
        mode=RetirementMode(mode) if mode else RetirementMode.GRACEFUL,
        deadline=time_from_pb(request, "deadline"),
        why=request.reason,
    )


def retirement_to_pb(retirement: Retirement) -> handoff_pb2.Retirement:
    """The record of a retirement."""
    return handoff_pb2.Retirement(
        retirement_id=retirement.retirement_id,
        participant_id=retirement.participant_id,
        mode=number(handoff_pb2.RetirementMode, retirement.mode),
        status=number(handoff_pb2.RetirementStatus, retirement.status),
        deadline=time_to_pb(retirement.deadline_at),
        outcomes=[
            handoff_pb2.RetirementOutcome(
                task_id=one.task_id,
                outcome=one.outcome.value,
                target=one.target,
                handoff_id=one.handoff_id,
            )
            for one in retirement.outcomes
        ],
        policy_decision_id=retirement.decision_id,
        create_time=time_to_pb(retirement.created_at),
        finish_time=time_to_pb(retirement.finished_at),
    )


def retired_to_pb(result: RetirementResult) -> handoff_pb2.RetireParticipantResponse:
    """The retirement, finished or not."""
    return handoff_pb2.RetireParticipantResponse(
        retirement=retirement_to_pb(result.retirement), receipt=receipt_to_pb(result.receipt)
    )


def retirements_to_pb(page: Page[Retirement]) -> handoff_pb2.ListRetirementsResponse:
    """A page of retirements."""
    made, token = page_to_pb(page, retirement_to_pb)
    return handoff_pb2.ListRetirementsResponse(
        retirements=made, next_page_token=token, total_size=page.total
    )


def retirement_filter_from_pb(request: handoff_pb2.ListRetirementsRequest) -> RetirementFilter:
    """Which retirements a list shows."""
    names = (short(handoff_pb2.RetirementStatus, value) for value in request.statuses)
    return RetirementFilter(
        participant_id=request.participant_id,
        statuses=tuple(RetirementStatus(name) for name in names if name),
    )

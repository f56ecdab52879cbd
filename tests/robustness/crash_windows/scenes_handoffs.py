"""Scenes of migration and retirement."""

from __future__ import annotations

from typing import Any

from phoenix_dma.v1 import handoff_pb2
from phoenix_dma.v1.session_pb2 import Directive
from phoenix_runtime.chassis.failpoints import (
    BEFORE_REPLY,
    GATE_AND_REGISTRY,
    OFFER_AND_DIRECTIVE,
)
from tests.e2e.intervals import PATIENCE
from tests.e2e.participant import Participant
from tests.e2e.stage import BACKUP, STEWARD, TASK, Stage
from tests.robustness.crash_windows.ends import complete, take_and_complete, take_over_and_complete
from tests.robustness.crash_windows.scenes_tasks import at_work
from tests.robustness.crash_windows.windows import Deed, Scene, Window, request, unit, verb
from tests.support.waiting.until import until

THIRD = "agent.customer-steward.003"


async def on_offer(stage: Stage) -> tuple[Participant, Participant, Directive]:
    """The steward's task is offered to the backup."""
    steward, epoch = await at_work(stage)
    await steward.checkpoint(TASK, epoch, 0, {"outputs": {"done": [1]}})
    backup = await stage.participant(BACKUP)
    await steward.hand_off(TASK)
    return steward, backup, await backup.directive("receive_handoff", TASK)


async def initiating(stage: Stage) -> Deed:
    steward, _ = await at_work(stage)
    backup = await stage.participant(BACKUP)
    message = handoff_pb2.InitiateHandoffRequest(task_id=TASK, source=STEWARD, reason="requested")

    async def finish(_: object) -> None:
        await take_over_and_complete(backup)

    events = {"HANDOFF_INITIATED": 1, "HANDOFF_OFFERED": 1, "HANDOFF_COMPLETED": 1}
    method = steward.api.stubs.handoffs.InitiateHandoff
    return request(steward.api, method, message, events, finish)


async def taking_over(stage: Stage) -> Deed:
    _, backup, offer = await on_offer(stage)
    read = await backup.read(f"phoenix://context/{TASK}", offer.offer_id)
    message = handoff_pb2.CompleteHandoffRequest(
        handoff_id=offer.handoff_id,
        offer_id=offer.offer_id,
        received_hash=read.checkpoint.hash,
    )

    async def finish(answer: handoff_pb2.CompleteHandoffResponse) -> None:
        await complete(backup, answer.briefing.task.epoch)

    method = backup.api.stubs.handoffs.CompleteHandoff
    return request(backup.api, method, message, {"HANDOFF_COMPLETED": 1}, finish)


async def refusing(stage: Stage) -> Deed:
    _, backup, offer = await on_offer(stage)
    third = await stage.participant(THIRD)
    message = handoff_pb2.DeclineHandoffRequest(
        handoff_id=offer.handoff_id, offer_id=offer.offer_id, reason="not for me"
    )

    async def finish(_: object) -> None:
        await take_over_and_complete(third)

    method = backup.api.stubs.handoffs.DeclineHandoff
    events = {"HANDOFF_DECLINED": 1, "HANDOFF_OFFERED": 2, "HANDOFF_COMPLETED": 1}
    return request(backup.api, method, message, events, finish)


async def aborting(stage: Stage) -> Deed:
    steward, _, offer = await on_offer(stage)
    operator = await stage.operator()
    message = handoff_pb2.AbortHandoffRequest(handoff_id=offer.handoff_id, reason="not now")

    async def finish(_: object) -> None:
        await take_and_complete(steward)

    method = operator.stubs.handoffs.AbortHandoff
    return request(operator, method, message, {"HANDOFF_ABORTED": 1}, finish)


async def retiring(stage: Stage) -> Deed:
    """Somebody who holds nothing retires."""
    await stage.participant(STEWARD)
    return await _retiring(stage, "graceful", None)


async def leaving_work(stage: Stage) -> Deed:
    """Somebody retires at once who is at work; another takes over."""
    await at_work(stage)
    return await _retiring(stage, "immediate", await stage.participant(BACKUP))


async def _retiring(stage: Stage, mode: str, heir: Participant | None) -> Deed:
    operator = await stage.operator()
    message = handoff_pb2.RetireParticipantRequest(
        participant_id=STEWARD,
        mode=handoff_pb2.RetirementMode.Value(f"RETIREMENT_MODE_{mode.upper()}"),
        reason="the season ends",
    )

    async def finish(_: object) -> None:
        await finished(stage)
        await stage.standing(STEWARD, "retired")
        if heir is not None:
            await take_over_and_complete(heir)

    types = ("RETIREMENT_STARTED", "RETIREMENT_FINISHED")
    registry = ("PARTICIPANT_RETIRING", "PARTICIPANT_RETIRED")
    method = operator.stubs.handoffs.RetireParticipant
    return request(operator, method, message, dict.fromkeys((*types, *registry), 1), finish)


async def finished(stage: Stage) -> None:
    """The retirement has come to its end."""
    operator = await stage.operator()
    wanted = handoff_pb2.ListRetirementsRequest(participant_id=STEWARD)

    async def look() -> bool:
        answer: Any = await operator.ask(operator.stubs.handoffs.ListRetirements, wanted)
        (found,) = answer.retirements
        return bool(found.status == handoff_pb2.RETIREMENT_STATUS_FINISHED)

    await until(look, PATIENCE)


PART = "assignment"
OFFERING = unit("assignment_handoffs", told=False)
TELLING = (Window(OFFER_AND_DIRECTIVE, told=False),)
RETIRING = (
    *unit("RetireParticipant"),
    Window(GATE_AND_REGISTRY, told=False),
    Window(BEFORE_REPLY, ("RetireParticipant",)),
)
BY_THE_ENGINE = (
    Window(GATE_AND_REGISTRY, told=False),
    *unit("assignment_retirements", told=False, quiet=True),
)
HANDOFFS = (
    Scene("initiating", PART, verb("InitiateHandoff"), initiating),
    Scene("offering", PART, OFFERING, initiating),
    Scene("telling-the-target", PART, TELLING, initiating),
    Scene("taking-over", PART, verb("CompleteHandoff"), taking_over),
    Scene("refusing", PART, verb("DeclineHandoff"), refusing),
    Scene("aborting", PART, verb("AbortHandoff"), aborting),
    Scene("retiring", PART, RETIRING, retiring),
    Scene("leaving-work", PART, BY_THE_ENGINE, leaving_work),
    Scene("retiring", "registry", verb("BeginRetirement", told=False), retiring),
    Scene("leaving-work", "registry", verb("FinishRetirement", told=False), leaving_work),
)

"""Cases of migration and retirement."""

from __future__ import annotations

from typing import Any

from phoenix_dma.v1 import handoff_pb2
from phoenix_dma.v1.session_pb2 import Directive
from phoenix_runtime.chassis.failpoints import (
    BEFORE_REPLY,
    GATE_AND_REGISTRY,
    OFFER_AND_DIRECTIVE,
)
from tests.e2e.scenarios.intervals import PATIENCE
from tests.e2e.scenarios.participant import Participant
from tests.e2e.scenarios.scenario import BACKUP, STEWARD, TASK, Scenario
from tests.robustness.crash_windows.cases_tasks import at_work
from tests.robustness.crash_windows.ends import complete, take_and_complete, take_over_and_complete
from tests.robustness.crash_windows.windows import CrashCase, Operation, Window, request, unit, verb
from tests.support.waiting.until import until

THIRD = "agent.customer-steward.003"


async def on_offer(scenario: Scenario) -> tuple[Participant, Participant, Directive]:
    """The steward's task is offered to the backup."""
    steward, epoch = await at_work(scenario)
    await steward.checkpoint(TASK, epoch, 0, {"outputs": {"done": [1]}})
    backup = await scenario.participant(BACKUP)
    await steward.hand_off(TASK)
    return steward, backup, await backup.directive("receive_handoff", TASK)


async def initiating(scenario: Scenario) -> Operation:
    steward, _ = await at_work(scenario)
    backup = await scenario.participant(BACKUP)
    message = handoff_pb2.InitiateHandoffRequest(task_id=TASK, source=STEWARD, reason="requested")

    async def finish(_: object) -> None:
        await take_over_and_complete(backup)

    events = {"HANDOFF_INITIATED": 1, "HANDOFF_OFFERED": 1, "HANDOFF_COMPLETED": 1}
    method = steward.api.stubs.handoffs.InitiateHandoff
    return request(steward.api, method, message, events, finish)


async def taking_over(scenario: Scenario) -> Operation:
    _, backup, offer = await on_offer(scenario)
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


async def refusing(scenario: Scenario) -> Operation:
    _, backup, offer = await on_offer(scenario)
    third = await scenario.participant(THIRD)
    message = handoff_pb2.DeclineHandoffRequest(
        handoff_id=offer.handoff_id, offer_id=offer.offer_id, reason="not for me"
    )

    async def finish(_: object) -> None:
        await take_over_and_complete(third)

    method = backup.api.stubs.handoffs.DeclineHandoff
    events = {"HANDOFF_DECLINED": 1, "HANDOFF_OFFERED": 2, "HANDOFF_COMPLETED": 1}
    return request(backup.api, method, message, events, finish)


async def aborting(scenario: Scenario) -> Operation:
    steward, _, offer = await on_offer(scenario)
    operator = await scenario.operator()
    message = handoff_pb2.AbortHandoffRequest(handoff_id=offer.handoff_id, reason="not now")

    async def finish(_: object) -> None:
        await take_and_complete(steward)

    method = operator.stubs.handoffs.AbortHandoff
    return request(operator, method, message, {"HANDOFF_ABORTED": 1}, finish)


async def retiring(scenario: Scenario) -> Operation:
    """Somebody who holds nothing retires."""
    await scenario.participant(STEWARD)
    return await _retiring(scenario, "graceful", None)


async def leaving_work(scenario: Scenario) -> Operation:
    """An owner retires at once; another participant takes over."""
    await at_work(scenario)
    return await _retiring(scenario, "immediate", await scenario.participant(BACKUP))


async def _retiring(scenario: Scenario, mode: str, heir: Participant | None) -> Operation:
    operator = await scenario.operator()
    message = handoff_pb2.RetireParticipantRequest(
        participant_id=STEWARD,
        mode=handoff_pb2.RetirementMode.Value(f"RETIREMENT_MODE_{mode.upper()}"),
        reason="the project ends",
    )

    async def finish(_: object) -> None:
        await finished(scenario)
        await scenario.standing(STEWARD, "retired")
        if heir is not None:
            await take_over_and_complete(heir)

    types = ("RETIREMENT_STARTED", "RETIREMENT_FINISHED")
    registry = ("PARTICIPANT_RETIRING", "PARTICIPANT_RETIRED")
    method = operator.stubs.handoffs.RetireParticipant
    return request(operator, method, message, dict.fromkeys((*types, *registry), 1), finish)


async def finished(scenario: Scenario) -> None:
    """Wait for the end of the retirement."""
    operator = await scenario.operator()
    wanted = handoff_pb2.ListRetirementsRequest(participant_id=STEWARD)

    async def look() -> bool:
        answer: Any = await operator.ask(operator.stubs.handoffs.ListRetirements, wanted)
        (found,) = answer.retirements
        return bool(found.status == handoff_pb2.RETIREMENT_STATUS_FINISHED)

    await until(look, PATIENCE)


PART = "assignment"
# Known by its event: offers of the same moment are committed together, in no loop's context.
OFFERING = unit("HANDOFF_OFFERED", told=False)
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
    CrashCase("initiating", PART, verb("InitiateHandoff"), initiating),
    CrashCase("offering", PART, OFFERING, initiating),
    CrashCase("telling-the-target", PART, TELLING, initiating),
    CrashCase("taking-over", PART, verb("CompleteHandoff"), taking_over),
    CrashCase("refusing", PART, verb("DeclineHandoff"), refusing),
    CrashCase("aborting", PART, verb("AbortHandoff"), aborting),
    CrashCase("retiring", PART, RETIRING, retiring),
    CrashCase("leaving-work", PART, BY_THE_ENGINE, leaving_work),
    CrashCase("retiring", "registry", verb("BeginRetirement", told=False), retiring),
    CrashCase("leaving-work", "registry", verb("FinishRetirement", told=False), leaving_work),
)

"""Cases of assignment: an effect outside, from its beginning to its outcome."""

from __future__ import annotations

from typing import Any

from phoenix_dma.v1 import assignment_pb2, effect_pb2
from phoenix_dma.wire.conversions import struct_of
from tests.e2e.scenarios.participant import Participant
from tests.e2e.scenarios.scenario import TASK, Scenario
from tests.robustness.crash_windows.cases_tasks import PART, at_work
from tests.robustness.crash_windows.ends import complete
from tests.robustness.crash_windows.windows import CrashCase, Operation, request, verb

ONCE = {"ACTION_AUTHORIZED": 1, "EFFECT_BEGUN": 1, "EFFECT_RECORDED": 1}
OUTCOME = {"receipt": "r.1"}


async def beginning(scenario: Scenario) -> Operation:
    """What begins has begun once, however often the call is repeated."""
    steward, epoch = await at_work(scenario)
    message = begin(epoch)

    async def finish(answer: effect_pb2.BeginEffectResponse) -> None:
        assert (answer.effect.status, answer.effect.begun) == (
            assignment_pb2.EFFECT_STATUS_BEGUN,
            1,
        )
        await record(steward, outcome(epoch, answer))
        await complete(steward, epoch)

    return request(steward.api, steward.api.stubs.effects.BeginEffect, message, ONCE, finish)


async def recording(scenario: Scenario) -> Operation:
    """An outcome is recorded once, and answers whoever would begin again."""
    steward, epoch = await at_work(scenario)
    stubs = steward.api.stubs.effects
    begun = await steward.api.ask(stubs.BeginEffect, begin(epoch))

    async def finish(_: object) -> None:
        again = await steward.api.ask(stubs.BeginEffect, begin(epoch))
        assert again.effect.status == assignment_pb2.EFFECT_STATUS_DONE
        assert again.effect.outcome == struct_of(OUTCOME)
        await complete(steward, epoch)

    return request(steward.api, stubs.RecordEffect, outcome(epoch, begun), ONCE, finish)


def begin(epoch: int) -> effect_pb2.BeginEffectRequest:
    return effect_pb2.BeginEffectRequest(
        task_id=TASK,
        epoch=epoch,
        kind=assignment_pb2.ACTION_KIND_TOOL_INVOCATION,
        name="notify",
        subject=struct_of({"n": 1}),
    )


def outcome(epoch: int, begun: effect_pb2.BeginEffectResponse) -> effect_pb2.RecordEffectRequest:
    return effect_pb2.RecordEffectRequest(
        task_id=TASK,
        epoch=epoch,
        authorization_id=begun.effect.authorization_id,
        status=assignment_pb2.EFFECT_STATUS_DONE,
        outcome=struct_of(OUTCOME),
    )


async def record(steward: Participant, message: effect_pb2.RecordEffectRequest) -> Any:
    return await steward.api.ask(steward.api.stubs.effects.RecordEffect, message)


EFFECTS = (
    CrashCase("beginning-an-effect", PART, verb("BeginEffect"), beginning),
    CrashCase("recording-an-effect", PART, verb("RecordEffect"), recording),
)

"""Cases of the registry: who joins, claims, is suspended, is asked for, falls silent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from phoenix_dma.v1 import registry_pb2, session_pb2
from phoenix_runtime.chassis.failpoints import (
    AFTER_COMMIT,
    BEFORE_REPLY,
    CLAIM_AND_COMMIT,
    DELIVERY_AND_MARK,
)
from tests.e2e.scenarios.participant import Participant
from tests.e2e.scenarios.scenario import BACKUP, STEWARD, TASK, Scenario
from tests.robustness.crash_windows.ends import in_ledger, nothing, take_over_and_complete
from tests.robustness.crash_windows.windows import CrashCase, Operation, Window, request, unit, verb


async def joining(scenario: Scenario) -> Operation:
    steward = await scenario.unregistered(STEWARD)
    message = registry_pb2.RegisterParticipantRequest(participant=steward.declaration)

    async def finish(answer: registry_pb2.RegisterParticipantResponse) -> None:
        assert answer.participant.generation == 1, "it registered once"
        assert len(await scenario.events("PARTICIPANT_REGISTERED")) == 1
        steward._generation = answer.participant.generation
        await steward.appear()
        await scenario.standing(STEWARD, "active")
        await in_ledger(scenario, "PARTICIPANT_REGISTERED")

    method = steward.api.stubs.registry.RegisterParticipant
    return request(steward.api, method, message, {}, finish)


async def beating(scenario: Scenario) -> Operation:
    steward = await scenario.unregistered(STEWARD)
    await steward.register()

    async def finish(_: object) -> None:
        await scenario.standing(STEWARD, "active")
        await scenario.submit()
        epoch = (await steward.take(TASK)).task.epoch
        await steward.complete(TASK, epoch, {"merged": 0})

    async def appear() -> None:
        if steward._living is None:
            await steward.appear()

    return Operation(appear, appear, {"PARTICIPANT_FAILED": 0}, finish)


async def claiming(scenario: Scenario) -> Operation:
    steward = await scenario.participant(STEWARD)
    message = registry_pb2.UpdateCapabilitiesRequest(
        participant_id=STEWARD,
        capabilities=["duplicate_detection"],
        data_domains=["customer"],
        permissions=["read_customer_master"],
    )

    async def finish(_: object) -> None:
        found = await steward.api.get_participant(STEWARD)
        assert list(found.capabilities) == ["duplicate_detection"]

    method = steward.api.stubs.registry.UpdateCapabilities
    return request(steward.api, method, message, {"CAPABILITIES_UPDATED": 1}, finish)


async def suspending(scenario: Scenario) -> Operation:
    steward = await scenario.participant(STEWARD)
    await scenario.submit()
    await steward.take(TASK)
    backup = await scenario.participant(BACKUP)
    operator = await scenario.operator()
    message = registry_pb2.SuspendParticipantRequest(participant_id=STEWARD, reason="a check")

    async def finish(_: object) -> None:
        await scenario.standing(STEWARD, "suspended")
        await take_over_and_complete(backup)

    method = operator.stubs.registry.SuspendParticipant
    return request(operator, method, message, {"PARTICIPANT_SUSPENDED": 1}, finish)


async def reinstating(scenario: Scenario) -> Operation:
    steward = await scenario.participant(STEWARD)
    operator = await scenario.operator()
    suspend = registry_pb2.SuspendParticipantRequest(participant_id=STEWARD, reason="a check")
    await operator.ask(operator.stubs.registry.SuspendParticipant, suspend)
    message = registry_pb2.ReinstateParticipantRequest(participant_id=STEWARD, reason="all is well")

    async def finish(_: object) -> None:
        await steward.fall_silent()
        await steward.join()
        await scenario.standing(STEWARD, "active")

    method = operator.stubs.registry.ReinstateParticipant
    return request(operator, method, message, {"PARTICIPANT_REINSTATED": 1}, finish)


async def searching(scenario: Scenario) -> Operation:
    """A search is no mutation: each one that was committed is in the audit."""
    await scenario.participant(STEWARD)
    await scenario.standing(STEWARD, "active")
    operator = await scenario.operator()
    message = registry_pb2.DiscoverParticipantsRequest(
        required_capabilities=["policy_check"], degraded_allowed=True
    )

    async def finish(answer: registry_pb2.DiscoverParticipantsResponse) -> None:
        assert [one.participant_id for one in answer.candidates] == [STEWARD], answer

    method = operator.stubs.registry.DiscoverParticipants
    operation = request(operator, method, message, {"DISCOVERY_COMPLETED": 3}, finish)
    return replace(operation, remembered=False)


async def expiring(scenario: Scenario) -> Operation:
    steward = await scenario.participant(STEWARD)
    await scenario.submit()
    await steward.take(TASK)
    backup = await scenario.participant(BACKUP)

    async def finish(_: object) -> None:
        await scenario.standing(STEWARD, "failed")
        await take_over_and_complete(backup)

    events = {"PARTICIPANT_FAILED": 1, "HANDOFF_INITIATED": 1, "HANDOFF_COMPLETED": 1}
    return Operation(steward.fall_silent, nothing, events, finish)


async def being_told(scenario: Scenario) -> Operation:
    """A directive is stored, and delivered once to the participant that acknowledged it."""
    steward = await scenario.participant(STEWARD)

    async def submit() -> Any:
        return await scenario.submit()

    async def finish(_: object) -> None:
        epoch = (await steward.take(TASK)).task.epoch
        assert told(steward, "start_task") == 1
        await steward.complete(TASK, epoch, {"merged": 0})

    return Operation(submit, nothing, {"ASSIGNMENT_CREATED": 1, "TASK_STARTED": 1}, finish)


def told(one: Participant, action: str) -> int:
    """How many directives of that kind the participant has received."""
    wanted = session_pb2.DirectiveAction.Value(f"DIRECTIVE_ACTION_{action.upper()}")
    return sum(directive.action == wanted for directive in one.heard)


REGISTRY = "registry"
SEARCH = (
    # Searches that run at the same time write their events together, in the context of no call.
    *unit("DISCOVERY_COMPLETED"),
    Window(BEFORE_REPLY, ("DiscoverParticipants",)),
)
SWEEP = (
    Window(CLAIM_AND_COMMIT, told=False),
    Window(AFTER_COMMIT, ("registry_leases",), told=False, quiet=True),
)
PARTICIPANTS = (
    CrashCase("joining", REGISTRY, verb("RegisterParticipant"), joining),
    CrashCase("beating", REGISTRY, unit("registry_health", told=False), beating),
    CrashCase("claiming", REGISTRY, verb("UpdateCapabilities"), claiming),
    CrashCase("suspending", REGISTRY, verb("SuspendParticipant"), suspending),
    CrashCase("reinstating", REGISTRY, verb("ReinstateParticipant"), reinstating),
    CrashCase("searching", REGISTRY, SEARCH, searching),
    CrashCase("expiring", REGISTRY, SWEEP, expiring),
    CrashCase("being-told", REGISTRY, verb("SendDirectives", told=False), being_told),
    *(
        CrashCase(
            f"relaying-{to}", REGISTRY, [Window(DELIVERY_AND_MARK, (to,), told=False)], joining
        )
        for to in ("ledger", "bus")
    ),
    CrashCase(
        "keeping-the-audit",
        "governance",
        [Window("rpc.before_reply", ("AppendAuditEvents",), told=False)],
        joining,
    ),
)

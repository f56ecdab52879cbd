"""No decision, no change: the policy engine dies again and again, and everything else goes on."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from phoenix_dma.errors import ApprovalRequired, PolicyEngineUnavailable
from phoenix_dma.v1 import (
    approval_pb2,
    assignment_pb2,
    audit_pb2,
    handoff_pb2,
    registry_pb2,
)
from phoenix_dma.wire.conversions import struct_of
from phoenix_runtime.core.validate import Evidence
from tests.e2e.scenarios.humans import human, waiting
from tests.e2e.scenarios.intervals import a_lease_passes
from tests.e2e.scenarios.participant import Participant
from tests.e2e.scenarios.scenario import BACKUP, STEWARD, TASK, Scenario
from tests.support.processes.process_tree import children_of

Call = tuple[Any, Any]
"""A method and its request."""
Asked = tuple[Participant, Any, Any]
"""Who calls, the method, and its request."""
ENGINE = "governance_svc.adapters.policy_engines.engine_child"


@asynccontextmanager
async def no_engine(governance: int) -> AsyncIterator[None]:
    """Kill each policy engine that governance starts before it can answer."""
    killer = asyncio.create_task(_kill_engines(governance))
    await asyncio.sleep(0)
    try:
        yield
    finally:
        assert not killer.done(), killer.result()
        killer.cancel()
        await asyncio.gather(killer, return_exceptions=True)


async def _kill_engines(governance: int) -> None:
    while True:
        for pid in _engines(governance):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(0.01)


def _engines(governance: int) -> list[int]:
    """The engine processes among the children of governance; one may end meanwhile."""
    found = []
    for pid in children_of(governance):
        with suppress(FileNotFoundError, ProcessLookupError):
            if ENGINE in Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0"):
                found.append(pid)
    return found


def lasting(evidence: Evidence) -> Evidence:
    """The evidence without what beats change."""
    told = [event for event in evidence.events if event.type != "PARTICIPANT_HEALTH"]
    events = sorted(told, key=lambda event: event.event_id)
    # The chain in the ledger grows behind the outboxes, whose events are looked at already.
    return replace(evidence, events=events, participants=(), links=(), head=None)


async def once(participant: Participant, method: Any, request: Any) -> Any:
    """Call once: the SDK would repeat the call until the engine is back."""
    transport = participant.api.transport
    return await transport.ask(method, request, participant.credential, patience=0.0)


async def test_without_a_policy_engine_every_governed_change_is_refused_and_leases_go_on(
    scenario: Scenario,
) -> None:
    steward = await scenario.participant(STEWARD)
    decider = await human(scenario)
    newcomer = await scenario.unregistered(BACKUP)
    await newcomer.credential.token()
    await scenario.submit(policy_constraints=["human_approval_required_for_merge"])
    epoch = (await steward.take(TASK)).task.epoch
    with pytest.raises(ApprovalRequired):
        await once(steward, *merge(steward, epoch))
    question = await waiting(scenario)
    operator = await scenario.unregistered("agent.operator")
    operator.credential = (await scenario.operator())._credential  # type: ignore[assignment]
    refused: list[Asked] = [
        (newcomer, *registration(newcomer)),
        *((steward, *change) for change in changes_of_the_owner(steward, epoch)),
        (decider, *approval(decider, question.approval_id)),
        *((operator, *change) for change in changes_of_the_operator(operator, scenario)),
    ]
    before = lasting(await scenario.evidence())
    async with no_engine(scenario.runtime.pid("governance")):
        for who, method, request in refused:
            with pytest.raises(PolicyEngineUnavailable):
                await once(who, method, request)
        assert lasting(await scenario.evidence()) == before
        await a_lease_passes()
        assert not steward.losses
        assert await scenario.standing(STEWARD, "active", "degraded")
        kept = await steward.checkpoint(TASK, epoch, 0, {"outputs": {"checked": [1]}})
        assert kept.checkpoint.version == 1, "a checkpoint asks nobody"

    await steward.complete(TASK, epoch, {"merged": 0})


def registration(newcomer: Participant) -> Call:
    stubs = newcomer.api.stubs
    request = registry_pb2.RegisterParticipantRequest(participant=newcomer.declaration)
    return stubs.registry.RegisterParticipant, request


def merge(steward: Participant, epoch: int) -> Call:
    """An action that needs a human's approval."""
    request = assignment_pb2.AuthorizeActionRequest(
        task_id=TASK,
        epoch=epoch,
        kind=assignment_pb2.ACTION_KIND_FINAL_ACTION,
        name="merge",
        subject=struct_of({"merge": ["customer.2"]}),
    )
    return steward.api.stubs.assignment.AuthorizeAction, request


def changes_of_the_owner(steward: Participant, epoch: int) -> list[Call]:
    stubs = steward.api.stubs
    grants = registry_pb2.UpdateCapabilitiesRequest(
        participant_id=STEWARD, capabilities=["duplicate_detection"]
    )
    completion = assignment_pb2.CompleteTaskRequest(
        task_id=TASK, epoch=epoch, result=struct_of({"merged": 0})
    )
    return [
        (stubs.registry.UpdateCapabilities, grants),
        merge(steward, epoch),
        (stubs.assignment.CompleteTask, completion),
    ]


def approval(decider: Participant, approval_id: str) -> Call:
    request = approval_pb2.DecideApprovalRequest(
        approval_id=approval_id, approve=True, comment="yes"
    )
    return decider.api.stubs.approvals.DecideApproval, request


def changes_of_the_operator(operator: Participant, scenario: Scenario) -> list[Call]:
    """What an operator asks for; a read of the audit is governed as well."""
    stubs = operator.api.stubs
    submission = assignment_pb2.SubmitTaskRequest(task=scenario.task(task_id="task.other"))
    assignment = assignment_pb2.AssignTaskRequest(task=scenario.task(task_id="task.third"))
    retirement = handoff_pb2.RetireParticipantRequest(participant_id=STEWARD)
    return [
        (stubs.assignment.SubmitTask, submission),
        (stubs.assignment.AssignTask, assignment),
        (stubs.handoffs.RetireParticipant, retirement),
        (stubs.audit.ListAuditEvents, audit_pb2.ListAuditEventsRequest()),
    ]


async def test_taking_a_task_away_asks_nobody_and_giving_it_waits_for_policy(
    scenario: Scenario,
) -> None:
    steward = await scenario.participant(STEWARD)
    await scenario.submit()
    await steward.take(TASK)
    backup = await scenario.participant(BACKUP)
    async with no_engine(scenario.runtime.pid("governance")):
        await steward.say_goodbye()
        await scenario.task_in(TASK, "migrating")
        assert not await scenario.events("HANDOFF_OFFERED")

    await backup.take_over(TASK)

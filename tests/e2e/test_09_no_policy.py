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

from phoenix_dma.errors import PolicyEngineUnavailable
from phoenix_dma.v1 import (
    approval_pb2,
    assignment_pb2,
    audit_pb2,
    handoff_pb2,
    registry_pb2,
)
from phoenix_dma.wire.conversions import struct_of
from phoenix_runtime.core.validate import Evidence
from tests.e2e.humans import human, waiting
from tests.e2e.participant import Participant
from tests.e2e.stage import BACKUP, STEWARD, TASK, Stage
from tests.support.waiting.until import until

ENGINE = "governance_svc.adapters.policy_engines.engine_child"


@asynccontextmanager
async def no_engine(governance: int) -> AsyncIterator[None]:
    """Each policy engine that governance starts is killed before it can answer anything."""
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
    """The engines among the children of governance; one may be gone while it is looked at."""
    found = []
    for children in Path(f"/proc/{governance}/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):
            for pid in children.read_text().split():
                command = Path(f"/proc/{pid}/cmdline").read_bytes().decode()
                if ENGINE in command.split("\0"):
                    found.append(int(pid))
    return found


def lasting(evidence: Evidence) -> Evidence:
    """Everything but what beats leave behind."""
    told = [event for event in evidence.events if event.type != "PARTICIPANT_HEALTH"]
    events = sorted(told, key=lambda event: event.event_id)
    # The chain in the ledger grows behind the outboxes, whose events are looked at already.
    return replace(evidence, events=events, participants=(), links=(), head=None)


async def once(participant: Participant, method: Any, request: Any) -> Any:
    """One try: the SDK would ask again until the engine is back."""
    transport = participant.api.transport
    return await transport.ask(method, request, participant.credential, patience=0.0)


async def test_without_a_policy_engine_every_governed_change_is_refused_and_leases_go_on(
    stage: Stage,
) -> None:
    steward = await stage.participant(STEWARD)
    decider = await human(stage)
    newcomer = await stage.unregistered(BACKUP)
    await newcomer.credential.token()
    await stage.submit(policy_constraints=["human_approval_required_for_merge"])
    epoch = (await steward.take(TASK)).task.epoch
    merge = assignment_pb2.AuthorizeActionRequest(
        task_id=TASK,
        epoch=epoch,
        kind=assignment_pb2.ACTION_KIND_FINAL_ACTION,
        name="merge",
        subject=struct_of({"merge": ["customer.2"]}),
    )
    with pytest.raises(Exception, match="approve"):
        await once(steward, steward.api.stubs.assignment.AuthorizeAction, merge)
    question = await waiting(stage)
    operator = await stage.unregistered("agent.operator")
    operator.credential = (await stage.operator())._credential  # type: ignore[assignment]
    stubs = operator.api.stubs
    merge.request_id = ""
    asked: list[tuple[Participant, Any, Any]] = [
        (
            newcomer,
            stubs.registry.RegisterParticipant,
            registry_pb2.RegisterParticipantRequest(participant=newcomer.declaration),
        ),
        (
            steward,
            stubs.registry.UpdateCapabilities,
            registry_pb2.UpdateCapabilitiesRequest(
                participant_id=STEWARD, capabilities=["duplicate_detection"]
            ),
        ),
        (
            operator,
            stubs.assignment.SubmitTask,
            assignment_pb2.SubmitTaskRequest(task=stage.task(task_id="task.other")),
        ),
        (
            operator,
            stubs.assignment.AssignTask,
            assignment_pb2.AssignTaskRequest(task=stage.task(task_id="task.third")),
        ),
        (steward, stubs.assignment.AuthorizeAction, merge),
        (
            steward,
            stubs.assignment.CompleteTask,
            assignment_pb2.CompleteTaskRequest(
                task_id=TASK, epoch=epoch, result=struct_of({"merged": 0})
            ),
        ),
        (
            decider,
            stubs.approvals.DecideApproval,
            approval_pb2.DecideApprovalRequest(
                approval_id=question.approval_id, approve=True, comment="yes"
            ),
        ),
        (
            operator,
            stubs.handoffs.RetireParticipant,
            handoff_pb2.RetireParticipantRequest(participant_id=STEWARD),
        ),
        (operator, stubs.audit.ListAuditEvents, audit_pb2.ListAuditEventsRequest()),
    ]
    before = lasting(await stage.evidence())
    async with no_engine(stage.runtime.pid("governance")):
        for who, method, request in asked:
            with pytest.raises(PolicyEngineUnavailable):
                await once(who, method, request)
        assert lasting(await stage.evidence()) == before
        await _for_a_lease(steward)
        assert await stage.standing(STEWARD, "active", "degraded")
        kept = await steward.checkpoint(TASK, epoch, 0, {"outputs": {"checked": [1]}})
        assert kept.checkpoint.version == 1, "a checkpoint asks nobody"

    await steward.complete(TASK, epoch, {"merged": 0})


async def test_taking_a_task_away_asks_nobody_and_giving_it_waits_for_policy(stage: Stage) -> None:
    steward = await stage.participant(STEWARD)
    await stage.submit()
    await steward.take(TASK)
    backup = await stage.participant(BACKUP)
    async with no_engine(stage.runtime.pid("governance")):
        await steward.say_goodbye()
        await stage.task_in(TASK, "migrating")
        assert not await stage.events("HANDOFF_OFFERED")

    await backup.take_over(TASK)


async def _for_a_lease(participant: Participant) -> None:
    """As long as a lease lasts without beats: whoever still has one then has kept it."""
    session = participant._session
    assert session is not None
    started = asyncio.get_running_loop().time()
    ttl = session.lease.ttl

    async def over() -> bool:
        return asyncio.get_running_loop().time() > started + ttl + 1

    await until(over, ttl + 5)
    assert not participant.losses

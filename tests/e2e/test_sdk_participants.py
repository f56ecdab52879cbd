"""The SDK's participant against a real runtime: it drains, comes back, and learns of losses."""

import asyncio
from typing import Any

import pytest

from phoenix_dma import (
    ApprovalRejected,
    AssignmentLost,
    AsyncPhoenixClient,
    AsyncTask,
    HandOff,
    Leaving,
)
from phoenix_dma.aio.keepalive.attachment import Loss
from phoenix_dma.v1 import registry_pb2
from phoenix_dma.wire.conversions import json_of
from tests.e2e.scenarios.intervals import PATIENCE
from tests.e2e.scenarios.scenario import BACKUP, STEWARD, TASK, Scenario, steward


async def enter(
    scenario: Scenario, participant_id: str, handle: Any, **fields: Any
) -> AsyncPhoenixClient:
    """Register a participant through the SDK, with ``handle`` as its task handler."""
    client = AsyncPhoenixClient(profile=scenario.profile, leaving=Leaving(0.2, PATIENCE))
    client._transport = await scenario.transport()  # one that remembers which RPC each request was
    client.handlers_complete = lambda: True
    client.task_handler()(handle)
    await client.register_participant(**steward(participant_id, fields))
    await scenario.standing(participant_id, "active")
    return client


async def test_one_that_drains_hands_its_task_over_with_what_it_knows(scenario: Scenario) -> None:
    begun = asyncio.Event()

    async def first(task: AsyncTask) -> None:
        await task.checkpoint({"batches": 3}, decisions=["a rationale"])
        begun.set()
        await asyncio.Event().wait()

    async def second(task: AsyncTask) -> Any:
        assert task.restored
        assert (await task.context())["decisions"] == ["a rationale"]
        return {"continued_from": (await task.context()).outputs}

    leaver = await enter(scenario, STEWARD, first)
    await scenario.submit()
    await asyncio.wait_for(begun.wait(), PATIENCE)
    async with await enter(scenario, BACKUP, second):
        await leaver.drain()
        done = await scenario.task_in(TASK, "succeeded")
        assert done.result == {"continued_from": {"batches": 3}}
        assert await scenario.standing(STEWARD, "failed") == "failed"
        handoff = await scenario.event("HANDOFF_COMPLETED")
        assert handoff.detail["target"] == BACKUP


async def test_a_handler_that_hands_off_is_followed_by_another_from_its_checkpoint(
    scenario: Scenario,
) -> None:
    async def first(task: AsyncTask) -> None:
        await task.checkpoint({"so far": 1})
        raise HandOff("the shift is over")

    async def second(task: AsyncTask) -> Any:
        return (await task.context()).outputs

    leaver = await enter(scenario, STEWARD, first, cost=1.0)
    async with leaver, await enter(scenario, BACKUP, second, cost=9.0):
        await scenario.submit()
        done = await scenario.task_in(TASK, "succeeded")
        assert done.result == {"so far": 1}
        handoff = await scenario.event("HANDOFF_COMPLETED")
        assert (handoff.detail["source"], handoff.detail["target"]) == (STEWARD, BACKUP)


async def test_one_that_is_suspended_is_told_and_works_again_when_reinstated(
    scenario: Scenario,
) -> None:
    begun, lost = asyncio.Event(), list[str]()

    async def handle(task: AsyncTask) -> str:
        if task.attempt == 1 and not lost:
            begun.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                lost.append(task.lease.reason)
                raise
        return "done after the return"

    async with await enter(scenario, STEWARD, handle):
        await scenario.submit()
        await asyncio.wait_for(begun.wait(), PATIENCE)
        api = await scenario.operator()
        request = registry_pb2.SuspendParticipantRequest(participant_id=STEWARD, reason="a doubt")
        await api.ask(api.stubs.registry.SuspendParticipant, request)
        await scenario.task_in(TASK, "migrating")
        again = registry_pb2.ReinstateParticipantRequest(participant_id=STEWARD, reason="dispelled")
        await api.ask(api.stubs.registry.ReinstateParticipant, again)
        await scenario.task_in(TASK, "succeeded")
        assert lost


async def test_a_second_process_of_the_same_participant_ends_the_first_for_good(
    scenario: Scenario,
) -> None:
    begun: list[int] = []
    at_work = asyncio.Event()

    async def first(task: AsyncTask) -> None:
        begun.append(task.epoch)
        at_work.set()
        await asyncio.Event().wait()

    async def second(task: AsyncTask) -> Any:
        begun.append(task.epoch)
        return {}

    older = await enter(scenario, STEWARD, first)
    await scenario.submit()
    await asyncio.wait_for(at_work.wait(), PATIENCE)
    living = older.participant.stay_attached()  # type: ignore[union-attr]
    async with await enter(scenario, STEWARD, second):
        assert await asyncio.wait_for(asyncio.shield(living), PATIENCE) is Loss.SUPERSEDED
        await scenario.task_in(TASK, "succeeded")
        assert begun[1] > begun[0]
    await older.close()


async def test_a_result_that_a_human_refuses_is_worked_on_again_with_the_comment(
    scenario: Scenario,
) -> None:
    async def handle(task: AsyncTask) -> Any:
        refused = [
            decision.comment for decision in task.approvals if decision.outcome == "rejected"
        ]
        return {"merged": 1, "after": refused}

    async with await enter(scenario, STEWARD, handle):
        await scenario.submit(policy_constraints=["human_approval_required"])
        jane = AsyncPhoenixClient(profile=scenario.profile_of("human.steward.jane"))
        await jane.register_participant(id="human.steward.jane", type="human", owner="business")
        first = await _pending(scenario, set())
        await jane.participant_api.decide(first, approve=False, comment="look again")
        second = await _pending(scenario, {first})
        await jane.participant_api.decide(second, approve=True, comment="good")
        done = await scenario.task_in(TASK, "succeeded")
        assert done.result == {"merged": 1, "after": ["look again"]}
        await jane.close()


async def test_an_action_that_a_human_refuses_raises_with_the_comment(scenario: Scenario) -> None:
    async def handle(task: AsyncTask) -> Any:
        try:
            await task.authorize(
                "final_action", "merge", domain="customer_master", subject={"merge": ["a", "b"]}
            )
        except ApprovalRejected as rejected:
            return {"comment": rejected.comment, "by": rejected.decided_by}

    async with await enter(scenario, STEWARD, handle):
        await scenario.submit(policy_constraints=["human_approval_required_for_merge"])
        jane = AsyncPhoenixClient(profile=scenario.profile_of("human.steward.jane"))
        await jane.register_participant(id="human.steward.jane", type="human", owner="business")
        asked = await _pending(scenario, set())
        await jane.participant_api.decide(asked, approve=False, comment="two people")
        done = await scenario.task_in(TASK, "succeeded")
        assert done.result == {"comment": "two people", "by": "human.steward.jane"}
        await jane.close()


async def test_it_retires_when_told_so_and_its_task_moves_at_the_next_checkpoint(
    scenario: Scenario,
) -> None:
    retiring, over = asyncio.Event(), asyncio.Event()

    async def first(task: AsyncTask) -> None:
        await task.checkpoint({"so far": 1})
        retiring.set()
        try:
            while True:
                await asyncio.to_thread(task.lease.checkpoint_wanted.wait, 5)
                await task.checkpoint({"so far": 2})
                await asyncio.sleep(0.2)
        finally:
            over.set()

    async def second(task: AsyncTask) -> Any:
        return (await task.context()).outputs

    leaver = await enter(scenario, STEWARD, first)
    await scenario.submit()
    await asyncio.wait_for(retiring.wait(), PATIENCE)
    async with await enter(scenario, BACKUP, second):
        await leaver.retire(reason="the project is over")
        done = await scenario.task_in(TASK, "succeeded")
        assert done.result == {"so far": 2}
        await scenario.standing(STEWARD, "retired")
        await asyncio.wait_for(over.wait(), PATIENCE)
    await leaver.close()


async def test_a_participants_write_after_its_task_was_cancelled_is_refused(
    scenario: Scenario,
) -> None:
    begun, refused = asyncio.Event(), asyncio.Event()

    async def handle(task: AsyncTask) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            with pytest.raises(AssignmentLost):
                await task.checkpoint({"late": True})
            refused.set()
            raise

    async with await enter(scenario, STEWARD, handle):
        await scenario.submit()
        await asyncio.wait_for(begun.wait(), PATIENCE)
        await (await scenario.operator()).cancel(TASK, "not wanted any more")
        await asyncio.wait_for(refused.wait(), PATIENCE)


async def _pending(scenario: Scenario, known: set[str]) -> str:
    api = await scenario.operator()
    async with asyncio.timeout(PATIENCE):
        while True:
            for approval in await api.list_approvals(statuses=("pending",)):
                if approval.approval_id not in known:
                    assert json_of(approval.subject)
                    return approval.approval_id
            await asyncio.sleep(0.1)

"""What a human allowed happens once, wherever an agent dies (I17), as a user's tests show it."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.effect import Effect
from phoenix_dma.errors import EffectHappened, EffectUnknown, NotJson, TooLarge
from phoenix_dma.task import Task
from phoenix_dma.testing import Phoenix
from tests.support.waiting.until import PATIENCE

WORK: dict[str, Any] = {
    "owner": "data-governance",
    "capabilities": ["customer_validation"],
    "data_domains": ["customer_master"],
    "permissions": ["read_customer_master", "suggest_merge", "merge_customer_master"],
}
NEED: dict[str, Any] = {
    "required_capabilities": ["customer_validation"],
    "data_domains": ["customer_master"],
    "risk_level": "low",
}
TOLD = ("tool_invocation", "notify", {"customer": "customer.1"})


class World:
    """What is outside: it counts what was done, and remembers under which key."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def do(self, key: str) -> dict[str, int]:
        self.done.append(key)
        return {"told": len(self.done)}

    def look(self, key: str) -> dict[str, int] | None:
        return {"told": 1} if key in self.done else None


def refuse(effect: Effect) -> None:
    effect.not_done("it refused the connection")
    raise ConnectionError


@pytest.fixture
def world() -> World:
    return World()


def test_what_was_done_is_done_once_although_its_owner_died_afterwards(
    phoenix: Phoenix, world: World
) -> None:
    dead = threading.Event()

    @phoenix.participant(**WORK)
    def first(task: Task) -> None:
        assert task.once(task.effect(*TOLD), world.do) == {"told": 1}
        phoenix.kill(first)
        dead.set()

    task = phoenix.submit(**NEED)
    assert dead.wait(PATIENCE)

    @phoenix.participant(**WORK)
    async def second(task: AsyncTask) -> dict[str, Any]:
        assert task.unknown_effects == ()
        with pytest.raises(EffectHappened) as before:
            async with task.effect(*TOLD):
                world.done.append("again")
        assert before.value.outcome == {"told": 1}
        return {"told": await task.once(task.effect(*TOLD), world.do)}

    phoenix.expire(first)
    assert phoenix.wait_for(task).result == {"told": {"told": 1}}
    assert len(world.done) == 1
    begun = ("EFFECT_BEGUN", "agent.first")
    recorded = ("EFFECT_RECORDED", "agent.first")
    phoenix.assert_lineage(task, [..., begun, recorded, ..., "TASK_SUCCEEDED"])


@pytest.mark.parametrize("done", [True, False], ids=["after", "before"])
def test_whoever_goes_on_after_a_death_in_between_looks_first(
    phoenix: Phoenix, world: World, *, done: bool
) -> None:
    dead = threading.Event()

    @phoenix.participant(**WORK)
    def first(task: Task) -> None:
        with task.effect(*TOLD) as effect:
            if done:
                world.do(effect.key)
            phoenix.kill(first)
            dead.set()

    task = phoenix.submit(**NEED)
    assert dead.wait(PATIENCE)

    @phoenix.participant(**WORK)
    async def second(task: AsyncTask) -> dict[str, Any]:
        (unknown,) = task.unknown_effects
        assert (unknown.status, unknown.participant) == ("unknown", "agent.first")
        with pytest.raises(EffectUnknown, match="nobody knows whether it was done") as refused:
            async with task.effect(*TOLD):
                world.done.append("again")
        assert refused.value.key == unknown.id
        return {"told": await task.once(task.effect(*TOLD), world.do, world.look)}

    phoenix.expire(first)
    assert phoenix.wait_for(task).result == {"told": {"told": 1}}
    assert len(world.done) == 1


def test_what_does_nothing_twice_under_one_key_is_repeated(phoenix: Phoenix, world: World) -> None:
    dead = threading.Event()

    @phoenix.participant(**WORK)
    def first(task: Task) -> None:
        with task.effect(*TOLD, idempotent=True) as effect:
            world.do(effect.key)
            phoenix.kill(first)
            dead.set()

    task = phoenix.submit(**NEED)
    assert dead.wait(PATIENCE)

    @phoenix.participant(**WORK)
    def second(task: Task) -> dict[str, Any]:
        return {"told": task.once(task.effect(*TOLD, idempotent=True), world.do)}

    phoenix.expire(first)
    assert phoenix.wait_for(task).status == "succeeded"
    assert len(world.done) == 2
    assert len(set(world.done)) == 1, "the tool sees one key"


def test_a_block_that_raises_leaves_an_unknown_outcome_unless_it_says_which(
    phoenix: Phoenix, world: World
) -> None:
    @phoenix.participant(**WORK)
    def steward(task: Task) -> dict[str, Any]:
        with pytest.raises(TimeoutError), task.effect(*TOLD):
            raise TimeoutError("the answer was lost")
        with pytest.raises(EffectUnknown) as unknown:
            task.once(task.effect(*TOLD), world.do)
        found = task.record_effect(unknown.value.key, happened=False, why="the log has nothing")
        assert (found.status, found.why) == ("not_done", "the log has nothing")
        with pytest.raises(ConnectionError), task.effect(*TOLD) as effect:
            refuse(effect)
        with task.effect(*TOLD) as effect:
            world.do(effect.key)
        with pytest.raises(EffectHappened) as before:
            task.effect(*TOLD).__enter__()
        return {"outcome": before.value.outcome, "begun": before.value.info.begun}

    task = phoenix.submit(**NEED)
    assert phoenix.wait_for(task).result == {"outcome": None, "begun": 3}


def test_an_outcome_that_cannot_be_kept_does_not_undo_what_was_done(
    phoenix: Phoenix, world: World
) -> None:
    @phoenix.participant(**WORK)
    async def steward(task: AsyncTask) -> dict[str, Any]:
        with pytest.raises(NotJson):
            await task.once(task.effect(*TOLD), lambda key: object())
        assert await task.once(task.effect(*TOLD), world.do) is None
        large = task.effect("tool_invocation", "notify", {"customer": "customer.2"})
        with pytest.raises(TooLarge):
            await task.once(large, lambda key: "x" * 70_000)
        assert await task.once(large, world.do) is None
        for outcome in (0, "", [], {"value": 1}, {"a": None}):
            other = task.effect("tool_invocation", "notify", {"about": outcome})
            assert await task.once(other, lambda key, said=outcome: said) == outcome
            assert await task.once(other, world.do) == outcome
        return {}

    task = phoenix.submit(**NEED)
    ended = phoenix.wait_for(task)
    assert (ended.status, ended.why, world.done) == ("succeeded", "", [])


def test_a_human_allows_it_and_it_happens_once(phoenix: Phoenix, world: World) -> None:
    dead = threading.Event()
    merge = ("final_action", "merge", {"keep": "customer.1", "merge": ["customer.2"]})

    @phoenix.participant(**WORK)
    def first(task: Task) -> None:
        with task.effect(*merge, domain="customer_master") as effect:
            world.do(effect.key)
            phoenix.kill(first)
            dead.set()

    task = phoenix.submit(**NEED, policy_constraints=["human_approval_required_for_merge"])
    phoenix.approve(task)
    assert dead.wait(PATIENCE)

    @phoenix.participant(**WORK)
    def second(task: Task) -> dict[str, Any]:
        (unknown,) = task.unknown_effects
        found = world.look(unknown.id)
        assert found is not None
        task.record_effect(unknown.id, happened=True, outcome=found)
        effect = task.effect(*merge, domain="customer_master")
        return {"merged": task.once(effect, world.do)}

    phoenix.expire(first)
    assert phoenix.wait_for(task).result == {"merged": {"told": 1}}
    assert len(world.done) == 1


async def test_two_coroutines_begin_one_effect_once(phoenix: Phoenix, world: World) -> None:
    @phoenix.participant(**WORK)
    async def steward(task: AsyncTask) -> dict[str, Any]:
        async def tell() -> Any:
            async def do(key: str) -> Any:
                await asyncio.sleep(0)
                return world.do(key)

            return await task.once(task.effect(*TOLD), do)

        found = await asyncio.gather(tell(), tell(), return_exceptions=True)
        return {"refused": [type(one).__name__ for one in found if isinstance(one, Exception)]}

    task = phoenix.submit(**NEED)
    result = (await asyncio.to_thread(phoenix.wait_for, task)).result
    assert result in ({"refused": []}, {"refused": ["IllegalTransition"]})
    assert len(world.done) == 1

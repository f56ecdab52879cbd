"""Whoever wants the same thing takes turns; whoever wants another is not kept waiting."""

import asyncio

import pytest

from assignment_svc.usecases.tasks.single_flight import Turns


async def test_turns_are_taken_in_order_and_a_line_is_gone_with_its_last() -> None:
    turns: Turns[str] = Turns()
    done: list[int] = []

    async def take(number: int) -> None:
        async with turns.turn("task.one"):
            await asyncio.sleep(0)
            done.append(number)

    await asyncio.gather(*(take(number) for number in range(5)))
    assert done == list(range(5))
    assert len(turns) == 0


async def test_another_line_does_not_wait() -> None:
    turns: Turns[str] = Turns()
    async with asyncio.timeout(30), turns.turn("task.one"), turns.turn("task.two"):
        assert len(turns) == 2


async def test_who_gives_up_or_fails_lets_the_next_have_their_turn() -> None:
    turns: Turns[str] = Turns()

    async def take() -> str:
        async with turns.turn("task.one"):
            return "taken"

    async def fail() -> None:
        async with turns.turn("task.one"):
            raise RuntimeError("no")

    async with turns.turn("task.one"):
        impatient = asyncio.create_task(take())
        failing = asyncio.create_task(fail())
        patient = asyncio.create_task(take())
        await asyncio.sleep(0)
        impatient.cancel()
    with pytest.raises(RuntimeError):
        await failing
    assert await patient == "taken"
    assert impatient.cancelled()
    assert len(turns) == 0


async def test_who_came_before_something_was_said_hears_it_and_who_came_later_does_not() -> None:
    turns: Turns[str] = Turns()
    heard: dict[str, str | None] = {}

    async def listen(name: str) -> None:
        async with turns.turn("task.one") as turn:
            heard[name] = turn.said

    async with turns.turn("task.one") as turn:
        early = asyncio.create_task(listen("early"))
        await asyncio.sleep(0)
        turn.say("done")
        late = asyncio.create_task(listen("late"))
        await asyncio.sleep(0)
    await asyncio.gather(early, late)
    assert heard == {"early": "done", "late": None}

"""Calls with one key run one after the other; a call with another key does not wait."""

import asyncio

import pytest

from assignment_svc.usecases.tasks.single_flight import SingleFlight
from tests.support.waiting.until import PATIENCE


async def test_calls_run_in_order_and_a_group_is_gone_with_its_last() -> None:
    flights: SingleFlight[str] = SingleFlight()
    done: list[int] = []

    async def take(number: int) -> None:
        async with flights.flight("task.one"):
            await asyncio.sleep(0)
            done.append(number)

    await asyncio.gather(*(take(number) for number in range(5)))
    assert done == list(range(5))
    assert len(flights) == 0


async def test_a_call_with_another_key_does_not_wait() -> None:
    flights: SingleFlight[str] = SingleFlight()
    async with asyncio.timeout(PATIENCE), flights.flight("task.one"), flights.flight("task.two"):
        assert len(flights) == 2


async def test_a_call_that_is_cancelled_or_fails_lets_the_next_one_run() -> None:
    flights: SingleFlight[str] = SingleFlight()

    async def take() -> str:
        async with flights.flight("task.one"):
            return "taken"

    async def fail() -> None:
        async with flights.flight("task.one"):
            raise RuntimeError("no")

    async with flights.flight("task.one"):
        cancelled = asyncio.create_task(take())
        failing = asyncio.create_task(fail())
        waiting = asyncio.create_task(take())
        await asyncio.sleep(0)
        cancelled.cancel()
    with pytest.raises(RuntimeError):
        await failing
    assert await waiting == "taken"
    assert cancelled.cancelled()
    assert len(flights) == 0


async def test_a_result_reaches_the_calls_that_waited_for_it_and_no_later_one() -> None:
    flights: SingleFlight[str] = SingleFlight()
    results: dict[str, str | None] = {}

    async def wait(name: str) -> None:
        async with flights.flight("task.one") as flight:
            results[name] = flight.result

    async with flights.flight("task.one") as flight:
        early = asyncio.create_task(wait("early"))
        await asyncio.sleep(0)
        flight.publish("done")
        late = asyncio.create_task(wait("late"))
        await asyncio.sleep(0)
    await asyncio.gather(early, late)
    assert results == {"early": "done", "late": None}

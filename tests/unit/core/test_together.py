import asyncio
from collections.abc import Sequence

import pytest

from phoenix_runtime.core.waiting.together import Together


class Rounds:
    """Serves by doubling, when it is let; notes each round."""

    def __init__(self) -> None:
        self.served: list[tuple[str, list[int]]] = []
        self.let = asyncio.Event()
        self.let.set()

    async def __call__(self, group: str, items: Sequence[int]) -> list[int]:
        self.served.append((group, list(items)))
        await self.let.wait()
        if 13 in items:
            raise ValueError("unlucky")
        return [2 * item for item in items]


async def begun(rounds: Rounds, count: int) -> None:
    while len(rounds.served) < count:  # noqa: ASYNC110  # a round of the loop each time
        await asyncio.sleep(0)


async def test_who_comes_during_a_round_shares_the_next_one() -> None:
    rounds = Rounds()
    double = Together[str, int, int](rounds, most=3)
    rounds.let.clear()
    first = asyncio.create_task(double("t", 1))
    await begun(rounds, 1)
    others = [asyncio.create_task(double("t", number)) for number in (2, 3, 4, 5)]
    elsewhere = asyncio.create_task(double("u", 6))
    await begun(rounds, 2)
    rounds.let.set()
    assert await asyncio.gather(first, *others, elsewhere) == [2, 4, 6, 8, 10, 12]
    assert rounds.served == [("t", [1]), ("u", [6]), ("t", [2, 3, 4]), ("t", [5])]


async def test_a_failure_is_that_of_its_round_alone() -> None:
    rounds = Rounds()
    double = Together[str, int, int](rounds, most=2)
    asked = [double("t", number) for number in (13, 2, 3)]
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert [isinstance(one, ValueError) for one in found] == [True, True, False]
    assert await double("t", 4) == 8


async def test_who_gives_up_takes_nothing_from_the_others() -> None:
    rounds = Rounds()
    double = Together[str, int, int](rounds, most=5)
    rounds.let.clear()
    tasks = [asyncio.create_task(double("t", number)) for number in (1, 2)]
    await begun(rounds, 1)
    tasks[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await tasks[0]
    rounds.let.set()
    assert await tasks[1] == 4

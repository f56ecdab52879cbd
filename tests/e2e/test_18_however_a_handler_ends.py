"""However a handler ends, its task ends with a reason, and its seat takes the next one (I16)."""

import asyncio
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import pytest

from phoenix_dma import AsyncPhoenixClient, AsyncTask, InvalidInput, Leaving
from phoenix_dma.task import Task
from tests.e2e.scenarios.intervals import PATIENCE
from tests.e2e.scenarios.scenario import STEWARD, Scenario, steward


def exits() -> NoReturn:
    sys.exit(3)


def is_cancelled() -> NoReturn:
    raise asyncio.CancelledError


def says_what_nobody_carries() -> NoReturn:
    raise ValueError("\x1b[31mF\x1b[0m\r\n\0\ud83d\u202e" + "x" * 100_000 + "end")


def finds_fault() -> NoReturn:
    raise InvalidInput("row 3 has no name")


ENDS: dict[str, tuple[Callable[[], Any], str]] = {
    "it exits": (exits, "SystemExit: 3"),
    "it is cancelled": (is_cancelled, "CancelledError: the handler was cancelled from inside"),
    "its text": (says_what_nobody_carries, "ValueError: \x1b[31mF\x1b[0m\r\n\\x00\\ud83d\u202exxx"),
    "its result": (lambda: {"found": [1j]}, "result.found[0] is a complex"),
    "its input": (finds_fault, "row 3 has no name"),
}


@pytest.mark.parametrize("kind", ["synchronous", "asynchronous"])
async def test_a_task_ends_with_its_reason_and_the_next_is_taken(
    scenario: Scenario, kind: str
) -> None:
    for number, (end, says) in enumerate(ENDS.values()):
        client = AsyncPhoenixClient(profile=scenario.profile, leaving=Leaving(0.2, PATIENCE))
        client._transport = await scenario.transport()
        client.handlers_complete = lambda: True
        register(client, kind, end)
        async with client:
            # One each: whoever fails half of its tasks is soon trusted with none.
            who = f"{STEWARD}.{number}"
            await client.register_participant(**steward(who, {"capacity": 1}))
            await scenario.standing(who, "active")
            failing, working = f"task.failing.{number}", f"task.working.{number}"
            await scenario.submit(task_id=failing, max_attempts=1)
            await scenario.task_in(failing, "failed")
            event = await scenario.event("TASK_FAILED", aggregate=f"task/{failing}")
            assert says in str(event.detail["why"])
            await scenario.submit(task_id=working)
            done = await scenario.task_in(working, "succeeded")
            assert done.result == {"by": working}


def register(client: AsyncPhoenixClient, kind: str, end: Callable[[], Any]) -> None:
    """A handler that ends so on the tasks that are to fail."""

    def work(task: Task | AsyncTask) -> Any:
        return end() if task.id.startswith("task.failing") else {"by": task.id}

    async def work_with_await(task: AsyncTask) -> Any:
        await asyncio.sleep(0)
        return work(task)

    client.task_handler()(work if kind == "synchronous" else work_with_await)

"""A lone agent with several seats that dies with poison goes on with what it held one by one."""

from __future__ import annotations

import threading
from typing import Any

from phoenix_dma.task import Task
from phoenix_dma.testing import Phoenix

WORK: dict[str, Any] = {
    "capabilities": ["customer_validation"],
    "data_domains": ["customer_master"],
}
NEED: dict[str, Any] = {
    "required_capabilities": ["customer_validation"],
    "data_domains": ["customer_master"],
    "max_losses": 2,
}
LONG = 120.0


def test_a_lone_agent_that_comes_back_goes_on_with_its_tasks_one_by_one(phoenix: Phoenix) -> None:
    begun, over = threading.Semaphore(0), threading.Event()

    @phoenix.participant("agent.lone", capacity=3, **WORK)
    def first(_: Task) -> None:
        begun.release()
        over.wait(LONG)

    tasks = [phoenix.submit(**NEED) for _ in range(3)]
    assert all(begun.acquire(timeout=LONG) for _ in tasks)
    phoenix.kill(first)
    over.set()

    @phoenix.participant("agent.lone", capacity=3, **WORK)
    def second(_: Task) -> dict[str, bool]:
        return {"ok": True}

    for task in tasks:
        assert phoenix.wait_for(task, timeout=LONG).result == {"ok": True}

"""Workflows with one activity, and a worker for them; for an interpreter that has temporalio."""

# mypy: ignore-errors

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import RetryPolicy
from temporalio.worker import Worker

QUEUE = "bench"
HEARTBEAT = timedelta(seconds=2)
"""After which an activity that says nothing is given to another worker."""
AT_ONCE = timedelta(milliseconds=1)


@activity.defn
async def done(number: int) -> dict[str, bool]:
    """The work: none."""
    return {"done": True}


@activity.defn
async def held(number: int) -> float:
    """Held for ever by its first worker; the second answers when it got it (wall time)."""
    if activity.info().attempt > 1:
        return time.time()
    while True:
        activity.heartbeat()
        await asyncio.sleep(0.2)


@workflow.defn
class Cycle:
    """One activity, from start to result."""

    @workflow.run
    async def run(self, number: int) -> dict[str, bool]:
        """The task's way through the server."""
        return await workflow.execute_activity(
            done, number, start_to_close_timeout=timedelta(seconds=60)
        )


@workflow.defn
class Takeover:
    """One activity that outlives its worker."""

    @workflow.run
    async def run(self, number: int) -> float:
        """When the second worker began."""
        return await workflow.execute_activity(
            held,
            number,
            start_to_close_timeout=timedelta(minutes=10),
            heartbeat_timeout=HEARTBEAT,
            retry_policy=RetryPolicy(initial_interval=AT_ONCE, maximum_interval=AT_ONCE),
        )


def worker(client: Client, queue: str = QUEUE) -> Worker:
    """A worker for everything here."""
    return Worker(
        client,
        task_queue=queue,
        workflows=[Cycle, Takeover],
        activities=[done, held],
        max_concurrent_activities=200,
    )

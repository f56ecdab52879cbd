"""Load on Temporal, as a program: options as JSON in, one line of JSON out.

``cycle``: workflows with one activity, alone and sixteen at once, client and worker in one process
as the runtime's are. ``takeover``: activities whose worker is killed.
"""

# mypy: ignore-errors

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).parent))

from temporalio.client import Client
from work import HEARTBEAT, QUEUE, Cycle, Takeover, worker

READY_SECONDS = 60.0


async def connected(options: dict[str, Any]) -> Client:
    """A client, once the server answers."""
    until = time.monotonic() + READY_SECONDS
    while True:
        try:
            client = await Client.connect(options["address"], namespace=options["namespace"])
            await client.count_workflows()
        except Exception:  # whatever it is, it is over once the server is up
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.2)
        else:
            return client


async def cycles(client: Client, seconds: float, at_once: int) -> dict[str, float]:
    """Rate and percentiles of workflows for so long."""
    lengths: list[float] = []
    begun = time.perf_counter()

    async def caller() -> None:
        while time.perf_counter() - begun < seconds:
            asked = time.perf_counter()
            await client.execute_workflow(Cycle.run, 1, id=str(uuid4()), task_queue=QUEUE)
            lengths.append(time.perf_counter() - asked)

    await asyncio.gather(*(caller() for _ in range(at_once)))
    took = time.perf_counter() - begun
    lengths.sort()
    return {
        "rate": len(lengths) / took,
        "p50_ms": 1000 * lengths[len(lengths) // 2],
        "p99_ms": 1000 * lengths[min(len(lengths) - 1, int(0.99 * len(lengths)))],
    }


async def cycle(options: dict[str, Any]) -> dict[str, Any]:
    """Warm, alone, sixteen at once."""
    client = await connected(options)
    async with worker(client):
        await cycles(client, 1.0, 4)
        return {
            "alone": await cycles(client, options["seconds"], 1),
            "at_once": await cycles(client, options["seconds"], int(options["at_once"])),
        }


async def takeover(options: dict[str, Any]) -> dict[str, Any]:
    """How long after the heartbeat's timeout each activity ran elsewhere, in seconds."""
    client = await connected(options)
    dying = await asyncio.create_subprocess_exec(
        sys.executable, __file__, json.dumps({**options, "what": "work"})
    )
    handles = [
        await client.start_workflow(Takeover.run, n, id=str(uuid4()), task_queue=QUEUE)
        for n in range(int(options["dying"]))
    ]
    while not all([await started(handle) for handle in handles]):  # noqa: ASYNC110 - nobody tells us
        await asyncio.sleep(0.2)
    await asyncio.sleep(1.0)
    os.kill(dying.pid, signal.SIGKILL)
    expires = time.time() + HEARTBEAT.total_seconds()
    await dying.wait()
    async with worker(client):
        begun = await asyncio.gather(*(handle.result() for handle in handles))
    past = sorted(moment - expires for moment in begun)
    return {"p50": past[len(past) // 2], "p99": past[min(len(past) - 1, int(0.99 * len(past)))]}


async def started(handle: Any) -> bool:
    """Whether the workflow's activity runs."""
    pending = (await handle.describe()).raw_description.pending_activities
    return bool(pending) and all(one.HasField("last_started_time") for one in pending)


async def work(options: dict[str, Any]) -> dict[str, Any]:
    """Work until it is killed."""
    await worker(await connected(options)).run()
    return {}


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    loads = {"cycle": cycle, "takeover": takeover, "work": work}
    print(json.dumps(asyncio.run(loads[given["what"]](given))))

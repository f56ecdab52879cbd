"""A handler that forks: its children live, and the client of their parent is refused there."""

import asyncio
import os
import sys
from pathlib import Path

from phoenix_dma.wire.conversions import json_of
from tests.support.builders.participants import TASK
from tests.support.fakes.control_plane import ENROLMENT, FakeControlPlane
from tests.support.waiting.until import PATIENCE

CHILDREN = 40
SCRIPT = f"""
import multiprocessing
import pickle
import threading

from phoenix_dma import PhoenixClient
from phoenix_dma.forks import ForkedProcess

forking = multiprocessing.get_context("fork")
spawning = multiprocessing.get_context("spawn")


def refused(call):
    try:
        call()
    except ForkedProcess:
        return 3
    return 4


def ends(code, calls):
    raise SystemExit(code or sum(refused(call) for call in calls))


def reads_as_its_own(task_id):
    with PhoenixClient() as own:
        raise SystemExit(0 if own.get_task(task_id).id == task_id else 5)


def unpicklable(value):
    try:
        pickle.dumps(value)
    except TypeError:
        return True
    return False


def exit_codes(children):
    for child in children:
        child.start()
    for child in children:
        child.join()
    return [child.exitcode for child in children]


def handle(task):
    calls = [
        lambda: task.checkpoint({{"so far": 1}}),
        lambda: client.get_task(task.id),
        lambda: PhoenixClient().get_task(task.id),
    ]
    working = [forking.Process(target=sum, args=([1, 2],)) for _ in range({CHILDREN})]
    calling = [forking.Process(target=ends, args=(0, [call])) for call in calls]
    stopped = forking.Process(target=threading.Event().wait)
    stopped.start()
    stopped.terminate()
    stopped.join()
    with forking.Pool(2) as pool:
        squares = pool.map(abs, [-1, -2])
    task.checkpoint({{"so far": 2}})
    return {{
        "working": exit_codes(working),
        "calling": exit_codes(calling),
        "spawned": exit_codes([spawning.Process(target=reads_as_its_own, args=(task.id,))]),
        "unpicklable": unpicklable(client) and unpicklable(task),
        "stopped": stopped.exitcode,
        "pool": squares,
    }}


if __name__ == "__main__":
    client = PhoenixClient()
    client.task_handler()(handle)
    client.register_participant(
        id="agent.customer-steward.001",
        type="agent",
        owner="data-governance",
        capabilities=["customer_validation"],
    )
"""


async def test_children_of_a_handler_live_and_may_not_use_its_client(
    control_plane: FakeControlPlane, tmp_path: Path
) -> None:
    (tmp_path / "operator.jwt").write_text(ENROLMENT)
    profile = tmp_path / "profile.toml"
    profile.write_text(
        f'tenant = "default"\ncredential = "operator.jwt"\n[addresses]\n'
        f'grpc = "{control_plane.address}"\n'
    )
    script = tmp_path / "agent.py"
    script.write_text(SCRIPT)
    agent = await asyncio.create_subprocess_exec(
        sys.executable, str(script), env={**os.environ, "PHOENIX_DMA_PROFILE": str(profile)}
    )
    try:
        await control_plane.send(control_plane.give(TASK))
        async with asyncio.timeout(PATIENCE):
            (completed,) = await control_plane.hears("CompleteTask")
        assert json_of(completed.result) == {
            "working": [0] * CHILDREN,
            "calling": [3, 3, 3],
            "spawned": [0],
            "unpicklable": True,
            "stopped": -15,
            "pool": [1, 2],
        }
        agent.terminate()
        assert await asyncio.wait_for(agent.wait(), PATIENCE) == 0
    finally:
        if agent.returncode is None:
            agent.kill()
            await agent.wait()

"""Checkpoints of one handler from several places at once, and values without a form in JSON."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from phoenix_dma import errors
from phoenix_dma.aio.client import AsyncPhoenixClient
from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.declare import task as declared
from phoenix_dma.task import Task
from phoenix_dma.wire.conversions import json_of
from tests.support.builders.participants import TASK, join
from tests.support.fakes.control_plane import FakeControlPlane

ID = UUID("12345678-1234-5678-1234-567812345678")


async def test_parallel_checkpoints_of_a_coroutine_are_put_in_line(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    @client.task_handler()
    async def handle(task: AsyncTask) -> int:
        await asyncio.gather(
            *(task.checkpoint(number) for number in range(5)),
            task.checkpoint(decisions=["kept"]),
            task.context(),
        )
        return task.version

    await join(client)
    await control_plane.send(control_plane.give(TASK))
    (completed,) = await control_plane.hears("CompleteTask")
    assert json_of(completed.result) == {"value": 6}
    assert [c.base_version for c in control_plane.all("CheckpointContext")] == list(range(6))
    assert control_plane.contexts[TASK][1]["outputs"] == 4
    assert control_plane.contexts[TASK][1]["decisions"] == ["kept"]


async def test_parallel_checkpoints_of_threads_are_put_in_line(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    @client.task_handler()
    def handle(task: Task) -> int:
        with ThreadPoolExecutor(8) as pool:
            made = list(pool.map(task.checkpoint, range(8)))
        assert sorted(one.version for one in made) == list(range(1, 9))
        return task.version

    await join(client)
    await control_plane.send(control_plane.give(TASK))
    (completed,) = await control_plane.hears("CompleteTask")
    assert json_of(completed.result) == {"value": 8}


async def test_a_checkpoint_whose_caller_gave_up_does_not_conflict_with_the_next(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    @client.task_handler()
    async def handle(task: AsyncTask) -> int:
        first = asyncio.create_task(task.checkpoint(1))
        await control_plane.hears("CheckpointContext")
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await task.checkpoint(2)
        return task.version

    await join(client)
    await control_plane.send(control_plane.give(TASK))
    (completed,) = await control_plane.hears("CompleteTask")
    assert json_of(completed.result) == {"value": 2}


async def test_what_goes_into_a_checkpoint_is_taken_when_it_is_called(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    @client.task_handler()
    async def handle(task: AsyncTask) -> None:
        found = [1]
        first, second = task.checkpoint(found), task.checkpoint(decisions=found)
        started = [asyncio.create_task(one) for one in (first, second)]
        await asyncio.sleep(0)
        found.append(2)
        await asyncio.gather(*started)

    await join(client)
    await control_plane.send(control_plane.give(TASK))
    await control_plane.hears("CompleteTask")
    document = control_plane.contexts[TASK][1]
    assert (document["outputs"], document["decisions"]) == ([1], [1])


async def given(control_plane: FakeControlPlane) -> None:
    """Give a task that owes a rationale, and some care."""
    directive = control_plane.give(TASK)
    owed = control_plane.tasks[TASK].obligations
    owed.add(id="why", text="Say why.", due="before_complete", met_by="decision")
    owed.add(id="care", text="Take care.", due="always")
    await control_plane.send(directive)


async def test_a_decision_for_an_obligation_is_recorded_with_the_next_checkpoint(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    @client.task_handler()
    def handle(task: Task) -> None:
        task.checkpoint(decisions=["an earlier one"])
        task.fulfil("why", "it scored best")
        for wrong in ("care", "nobody asked for this"):
            with pytest.raises(ValueError, match=wrong):
                task.fulfil(wrong, "decided")
        task.checkpoint({"found": 1})
        task.checkpoint({"found": 2})

    await join(client)
    await given(control_plane)
    await control_plane.hears("CompleteTask")
    entry = {"obligation": "why", "decision": "it scored best"}
    sent = [json_of(one.context) for one in control_plane.all("CheckpointContext")]
    first = ["an earlier one"]
    assert [one["decisions"] for one in sent] == [first, [*first, entry], [*first, entry]]


async def test_a_decision_that_no_checkpoint_follows_is_recorded_before_the_task_completes(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    @client.task_handler()
    async def handle(task: AsyncTask) -> dict[str, int]:
        task.fulfil("why", {"score": 3})
        return {"found": 1}

    await join(client)
    await given(control_plane)
    (completed,) = await control_plane.hears("CompleteTask")
    assert json_of(completed.result) == {"found": 1}
    (recorded,) = control_plane.all("CheckpointContext")
    entry = {"obligation": "why", "decision": {"score": 3}}
    assert json_of(recorded.context)["decisions"] == [entry]
    assert list(recorded.fulfilled_obligations) == list(completed.fulfilled_obligations) == []


async def test_somebody_elses_checkpoint_stays_a_conflict_until_it_is_read(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    @client.task_handler()
    async def handle(task: AsyncTask) -> int:
        await task.checkpoint(1)
        control_plane.contexts[TASK] = (2, {"outputs": "somebody else's", "decisions": ["d"]})
        for _ in range(2):
            with pytest.raises(errors.ContextVersionConflict):
                await task.checkpoint(2)
        assert (await task.context()).outputs == "somebody else's"
        return (await task.checkpoint(3)).version

    await join(client)
    await control_plane.send(control_plane.give(TASK))
    (completed,) = await control_plane.hears("CompleteTask")
    assert json_of(completed.result) == {"value": 3}
    assert control_plane.contexts[TASK][1] == {"outputs": 3, "decisions": ["d"]}


async def test_a_value_without_a_form_in_json_is_refused_where_it_is_handed_over(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    refused: list[str] = []

    @client.task_handler()
    async def handle(task: AsyncTask) -> Any:
        for call in (
            lambda: task.checkpoint({"found": [object()]}),
            lambda: task.checkpoint(decisions={(1, 2): 3}),
            lambda: client.checkpoint(task.id, [1j]),
            lambda: task.authorize("data_mutation", "merge", subject={"pair": iter([1])}),
        ):
            with pytest.raises(errors.NotJson) as said:
                await call()
            refused.append(said.value.path)
        with pytest.raises(errors.NotJson, match=r"input\.found"):
            declared({"objective": "o", "input": {"found": object()}})
        await task.checkpoint({"ids": {ID}})
        return {"id": ID}

    await join(client)
    await control_plane.send(control_plane.give(TASK))
    (completed,) = await control_plane.hears("CompleteTask")
    assert refused == ["outputs.found[0]", "decisions", "outputs[0]", "subject.pair"]
    assert json_of(completed.result) == {"id": str(ID)}
    assert control_plane.contexts[TASK][1]["outputs"] == {"ids": [str(ID)]}
    assert len(control_plane.all("CheckpointContext")) == 1

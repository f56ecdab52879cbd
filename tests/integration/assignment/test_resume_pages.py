"""A participant that comes back gets all that it holds, however much its tasks know."""

from typing import Any

import pytest

from phoenix_dma.v1 import assignment_pb2
from phoenix_dma.wire.conversions import struct_of
from phoenix_dma.wire.sizes import DOCUMENT_BYTES, MESSAGE_BYTES
from tests.support.servers.assignment_wire import REVIEW, WiredAssignment

TASKS = 12
INPUT = {"text": "x" * (900 << 10)}


DIGITS = {"digits": [1] * ((DOCUMENT_BYTES - len('{"digits":[]}')) // 2)}
"""1 MiB of canonical JSON, and 5.5 MiB in a message."""


async def hold(wired: WiredAssignment, number: int, given: Any = INPUT) -> str:
    task = assignment_pb2.TaskDeclaration()
    task.CopyFrom(REVIEW)
    task.task_id = f"task.{number}"
    task.context_ref = ""
    task.input.CopyFrom(struct_of(given))
    request = assignment_pb2.AssignTaskRequest(task=task)
    await wired.tasks.AssignTask(request, metadata=wired.person("submitter"))
    return task.task_id


async def test_twelve_tasks_of_900_kib_are_resumed_page_by_page(wired: WiredAssignment) -> None:
    wired.registry.join("agent.a", capacity=TASKS)
    held = {await hold(wired, number) for number in range(TASKS)}
    wired.registry.change("agent.a", generation=2)
    found: dict[str, assignment_pb2.TaskBriefing] = {}
    receipts = 0
    token = ""
    pages = 0
    while pages == 0 or token:
        page = await wired.tasks.ResumeTasks(
            assignment_pb2.ResumeTasksRequest(generation=2, page_token=token),
            metadata=wired.agent("agent.a"),
        )
        assert page.ByteSize() < MESSAGE_BYTES
        found |= {one.task.task_id: one for one in page.briefings}
        receipts += len(page.receipts)
        token = page.next_page_token
        pages += 1
    assert set(found) == held
    assert {one.task.assignment.generation for one in found.values()} == {2}
    assert receipts == TASKS
    assert pages == TASKS // 3
    assert len(found["task.0"].input["text"]) == 900 << 10


@pytest.mark.long
async def test_the_largest_input_and_result_of_digits_go_in_and_out(wired: WiredAssignment) -> None:
    wired.registry.join("agent.a")
    task_id = await hold(wired, 1, DIGITS)
    me = wired.agent("agent.a")
    request = assignment_pb2.StartTaskRequest(task_id=task_id, epoch=1)
    started = await wired.tasks.StartTask(request, metadata=me)
    assert 0.5 * MESSAGE_BYTES < started.ByteSize() < MESSAGE_BYTES
    result = assignment_pb2.CompleteTaskRequest(
        task_id=task_id, epoch=1, result=started.briefing.input
    )
    completed = await wired.tasks.CompleteTask(result, metadata=me)
    assert completed.task.result == started.briefing.input
    wanted = assignment_pb2.GetTaskRequest(task_id=task_id)
    read = await wired.tasks.GetTask(wanted, metadata=wired.person("submitter"))
    assert read.task.result == started.briefing.input

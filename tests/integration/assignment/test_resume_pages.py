"""A participant that comes back gets all that it holds, however much its tasks know."""

from phoenix_dma.v1 import assignment_pb2
from phoenix_dma.wire.conversions import struct_of
from phoenix_dma.wire.sizes import MESSAGE_BYTES
from tests.support.servers.assignment_wire import REVIEW, WiredAssignment

TASKS = 12
INPUT = {"text": "x" * (900 << 10)}


async def hold(wired: WiredAssignment, number: int) -> str:
    task = assignment_pb2.TaskDeclaration()
    task.CopyFrom(REVIEW)
    task.task_id = f"task.{number}"
    task.context_ref = ""
    task.input.CopyFrom(struct_of(INPUT))
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

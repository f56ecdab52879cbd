"""One request, one effect, one answer, however often it comes (I10)."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select

from phoenix_dma.v1 import assignment_pb2
from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.chassis.data.idempotency import AnswerMemory
from phoenix_runtime.chassis.rpc.handler import AnsweredBefore, RpcHandler
from phoenix_runtime.chassis.schema import rpcs
from phoenix_runtime.chassis.serving import Serving, serving
from phoenix_runtime.core.errors import RequestIdReused
from phoenix_runtime.core.principal import Call
from tests.support.builders.calls import call_of, repeatable
from tests.support.sample.notes import note_units
from tests.support.sample.store.tables import metadata, note
from tests.support.servers.postgres import DatabaseFor


async def add(database: Database, call: Call, note_id: str) -> None:
    units, _ = note_units(database)
    async with units(call) as unit:
        await unit.add(note_id, f"text of {note_id}")
        await unit.tell(note_id, 1)
        await unit.remember(f"added {note_id}")


async def count(database: Database, tenant: str) -> Any:
    async with database.reading(tenant) as connection:
        return await connection.value(select(func.count()).select_from(note))


async def test_a_repetition_finds_the_first_answer(database_for: DatabaseFor, tenant: str) -> None:
    database = await database_for("sample")
    memory = AnswerMemory(database, metadata)
    call = repeatable(call_of(tenant=tenant), "r1", {"note": "n1"})
    assert await memory.recall(call) is None
    await add(database, call, "n1")
    assert await memory.recall(call) == b"added n1"


async def test_another_body_under_the_same_request_id_is_refused(
    database_for: DatabaseFor, tenant: str
) -> None:
    database = await database_for("sample")
    memory = AnswerMemory(database, metadata)
    call = call_of(tenant=tenant)
    await add(database, repeatable(call, "r1", {"note": "n1"}), "n1")
    with pytest.raises(RequestIdReused):
        await memory.recall(repeatable(call, "r1", {"note": "n2"}))


async def test_somebody_else_may_use_the_same_request_id(
    database_for: DatabaseFor, tenant: str
) -> None:
    database = await database_for("sample")
    memory = AnswerMemory(database, metadata)
    call = repeatable(call_of(tenant=tenant), "r1", {"note": "n1"})
    await add(database, call, "n1")
    others = (
        repeatable(call_of(tenant=f"{tenant}.b"), "r1", {"note": "n1"}),
        repeatable(call_of(tenant=tenant, subject="other"), "r1", {"note": "n1"}),
        repeatable(call_of(tenant=tenant), "r1", {"note": "n1"}, rpc="/phoenix_dma.v1.Sample/Undo"),
    )
    assert [await memory.recall(other) for other in others] == [None, None, None]


async def test_a_refused_request_may_be_sent_again(database_for: DatabaseFor, tenant: str) -> None:
    database = await database_for("sample")
    units, _ = note_units(database)
    call = repeatable(call_of(tenant=tenant), "r1")

    async def fail() -> None:
        async with units(call) as unit:
            await unit.remember("never said")
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await AnswerMemory(database, metadata).recall(call) is None


async def test_of_two_at_the_same_time_one_has_the_effect_and_both_the_answer(
    database_for: DatabaseFor, tenant: str
) -> None:
    database = await database_for("sample")
    units, _ = note_units(database)
    call = repeatable(call_of(tenant=tenant), "r1")
    both_inside = asyncio.Barrier(2)

    async def add_at_once(note_id: str) -> None:
        async with units(call) as unit:
            await unit.add(note_id, note_id)
            await both_inside.wait()
            await unit.remember(f"added {note_id}")

    outcomes = await asyncio.gather(add_at_once("n1"), add_at_once("n2"), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes if outcome] == [AnsweredBefore]
    assert await count(database, tenant) == 1
    winner = f"added {'n1' if outcomes[0] is None else 'n2'}".encode()
    assert await AnswerMemory(database, metadata).recall(call) == winner


async def test_a_call_without_request_id_is_not_remembered(
    database_for: DatabaseFor, tenant: str
) -> None:
    database = await database_for("sample")
    call = replace(call_of(tenant=tenant), idempotency=None)
    await add(database, call, "n1")
    assert await AnswerMemory(database, metadata).recall(call) is None


async def test_who_finds_the_work_done_by_a_twin_answers_what_the_twin_answered(
    database_for: DatabaseFor, tenant: str
) -> None:
    database = await database_for("sample")
    units, _ = note_units(database)
    handler = RpcHandler(AnswerMemory(database, metadata))
    request = assignment_pb2.CancelTaskRequest(task_id="n1", request_id="r1")
    both_read, first_done = asyncio.Barrier(2), asyncio.Event()

    async def cancel(*, first: bool) -> str:
        async def run(call: Call) -> str:
            await both_read.wait()
            if first:
                async with units(call) as unit:
                    await unit.add("n1", "done")
                    await unit.remember("as the first one saw it")
                first_done.set()
                return "as the first one saw it"
            await first_done.wait()
            return "as it stands by now"

        answered = await handler.mutate(request, run=run, answer=_cancelled)
        return answered.task.reason

    rpc = rpcs()["/phoenix_dma.v1.AssignmentService/CancelTask"]
    serving.set(Serving(rpc, call_of(tenant=tenant), None))
    answers = await asyncio.gather(cancel(first=True), cancel(first=False))
    assert list(answers) == ["as the first one saw it"] * 2


async def test_an_answer_that_is_stored_is_made_once(
    database_for: DatabaseFor, tenant: str
) -> None:
    database = await database_for("sample")
    units, _ = note_units(database)
    handler = RpcHandler(AnswerMemory(database, metadata))
    made: list[str] = []

    async def run(call: Call) -> str:
        result = "done"
        async with units(call) as unit:
            await unit.add("n1", result)
            await unit.remember(result)
        return result

    def answer(reason: str) -> assignment_pb2.CancelTaskResponse:
        made.append(reason)
        return _cancelled(reason)

    rpc = rpcs()["/phoenix_dma.v1.AssignmentService/CancelTask"]
    serving.set(Serving(rpc, call_of(tenant=tenant), None))
    request = assignment_pb2.CancelTaskRequest(task_id="n1", request_id="r1")
    first = await handler.mutate(request, run=run, answer=answer)
    assert (first.task.reason, made) == ("done", ["done"])
    assert await handler.mutate(request, run=run, answer=answer) == first


def _cancelled(reason: str) -> assignment_pb2.CancelTaskResponse:
    return assignment_pb2.CancelTaskResponse(task=assignment_pb2.Task(reason=reason))

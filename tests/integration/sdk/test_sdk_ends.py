"""Every way in which a handler ends, in both kinds: the task ends, and the next one is taken (I16).

The fake control plane binds the next task only once the first has been reported, as a capacity of
one does.
"""

import asyncio
import concurrent.futures
import sys
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, NoReturn

import pytest

from phoenix_dma import errors
from phoenix_dma.aio.client import AsyncPhoenixClient
from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.task import Task
from phoenix_dma.v1 import assignment_pb2
from phoenix_dma.wire.conversions import json_of
from phoenix_runtime.core import errors as runtime_errors
from tests.support.builders.participants import TASK, join
from tests.support.fakes.control_plane import FakeControlPlane

NEXT = "task.next"
LOST = errors.AssignmentLost("task.other is not held by this client", {"task_id": "task.other"})


class OwnBase(BaseException):
    """What derives from BaseException alone."""


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class Undecided(errors.TaskFailure):
    """One whose answer to a plain question raises."""

    @property
    def retryable(self) -> bool:
        raise ZeroDivisionError("undecided")

    @retryable.setter
    def retryable(self, given: bool) -> None: ...


class Exiting(Exception):
    def __str__(self) -> str:
        raise SystemExit(1)


def raising(error: BaseException) -> Callable[[], NoReturn]:
    def end() -> NoReturn:
        raise error

    return end


def exit_with(code: object) -> Callable[[], NoReturn]:
    return lambda: sys.exit(code)  # type: ignore[arg-type]


GROUP = ExceptionGroup("two", [ValueError("one"), errors.TaskFailure("final")])
ENDS: dict[str, tuple[Callable[[], Any], bool, str]] = {
    "an exception": (raising(ValueError("no")), True, "ValueError: no"),
    "one without a text": (raising(AssertionError()), True, "AssertionError: raised in test_sdk"),
    "StopIteration": (raising(StopIteration(3)), True, "StopIteration"),
    "StopAsyncIteration": (raising(StopAsyncIteration(3)), True, "StopAsyncIteration"),
    "a cancellation of its own": (raising(asyncio.CancelledError()), True, "CancelledError: the"),
    "that of futures": (raising(concurrent.futures.CancelledError()), True, "CancelledError"),
    "GeneratorExit": (raising(GeneratorExit()), True, "GeneratorExit"),
    "sys.exit(3)": (exit_with(3), True, "SystemExit: 3: sys.exit() in a handler ends its task"),
    "sys.exit with a text": (exit_with("usage: …"), True, "SystemExit: usage: …"),
    "KeyboardInterrupt": (raising(KeyboardInterrupt()), True, "KeyboardInterrupt"),
    "a BaseException": (raising(OwnBase("odd")), True, "OwnBase: odd"),
    "a text that raises": (raising(Unspeakable()), True, "Unspeakable: its text cannot be shown"),
    "a text that exits": (raising(Exiting()), True, "Exiting: its text cannot be shown"),
    "an answer that raises": (raising(Undecided("no")), True, "ZeroDivisionError: undecided"),
    "colours": (raising(ValueError("\x1b[31mF\x1b[0m")), True, "ValueError: \x1b[31mF\x1b[0m"),
    "line ends": (raising(OSError("502\r\nServer: x")), True, "OSError: 502\r\nServer: x"),
    "U+0000": (raising(ValueError("a\0b")), True, "ValueError: a\\x00b"),
    "a lone surrogate": (raising(ValueError("a\ud83db")), True, "ValueError: a\\ud83db"),
    "a bidirectional mark": (raising(ValueError("\u202eb")), True, "ValueError: \u202eb"),
    "an endless text": (raising(ValueError("x" * 3_000_000)), True, "characters left out] … xxx"),
    "a failure that is final": (raising(errors.TaskFailure("no\ud800")), False, "no\\ud800"),
    "an input that is at fault": (raising(errors.InvalidInput("row 3")), False, "row 3"),
    "a refusal by policy": (raising(errors.PolicyDenied("no")), False, "PolicyDenied: no"),
    "the loss of another task": (raising(LOST), True, "AssignmentLost: task.other is not held"),
    "a group of one": (raising(ExceptionGroup("g", [errors.TaskFailure("me")])), False, "me"),
    "a group": (raising(GROUP), False, "ValueError: one; final"),
    "a result of no form": (object, False, "result is a object, which has no obvious form"),
    "a result with none inside": (lambda: {"a": [1j]}, False, "result.a[0] is a complex"),
    "a list with none inside": (lambda: [1j], False, "result[0] is a complex"),
    "a naive moment": (lambda: datetime(2026, 1, 1), False, "a datetime without a zone"),  # noqa: DTZ001
    "an iterator": (lambda: iter([1]), False, "write list(value)"),
}
KINDS = ("synchronous", "asynchronous")


def register(client: AsyncPhoenixClient, kind: str, end: Callable[[], Any]) -> list[str]:
    """A handler that ends so on the first task; the ids of what it was called for."""
    called: list[str] = []

    def work(task: Task | AsyncTask) -> Any:
        called.append(task.id)
        return 7 if task.id == NEXT else end()

    async def work_with_await(task: AsyncTask) -> Any:
        await asyncio.sleep(0)
        return work(task)

    client.task_handler()(work if kind == "synchronous" else work_with_await)
    return called


async def reported(control_plane: FakeControlPlane) -> Any:
    """The report of the first task's failure; the next task is then taken and completed."""
    await control_plane.send(control_plane.give(TASK))
    (failed,) = await control_plane.hears("FailTask")
    await control_plane.send(control_plane.give(NEXT))
    (completed,) = await control_plane.hears("CompleteTask")
    assert (completed.task_id, json_of(completed.result)) == (NEXT, {"value": 7})
    return failed


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("end", "retryable", "says"), ENDS.values(), ids=ENDS)
async def test_however_a_handler_ends_the_task_ends_and_the_next_is_taken(
    control_plane: FakeControlPlane,
    client: AsyncPhoenixClient,
    kind: str,
    end: Callable[[], Any],
    *,
    retryable: bool,
    says: str,
) -> None:
    called = register(client, kind, end)
    await join(client)
    failed = await reported(control_plane)
    assert says in failed.message
    assert (failed.task_id, failed.retryable) == (TASK, retryable)
    assert len(failed.message) <= 2000
    assert failed.input_at_fault == (says == "row 3")
    assert called == [TASK, NEXT]


async def cancelled_inside(task: AsyncTask) -> None:
    inner = asyncio.create_task(asyncio.Event().wait())
    inner.cancel()
    await inner


async def cancelling_itself(task: AsyncTask) -> None:
    me = asyncio.current_task()
    assert me is not None
    me.cancel()
    await asyncio.Event().wait()


async def in_a_group(task: AsyncTask) -> None:
    async def fails() -> None:
        raise errors.TaskFailure("inside a group")

    async with asyncio.TaskGroup() as group:
        group.create_task(fails())


def a_generator(task: Task) -> Any:
    yield 1


async def an_asynchronous_generator(task: AsyncTask) -> Any:
    yield 1


def never_awaiting(task: Task) -> Any:
    return cancelled_inside(task.aio)


def without_arguments() -> None:
    raise AssertionError("never called")


MISTAKES: dict[str, tuple[Callable[..., Any], bool, str]] = {
    "an inner task is cancelled": (cancelled_inside, True, "CancelledError: the handler was"),
    "it cancels itself": (cancelling_itself, True, "CancelledError: the handler was"),
    "a task of its group fails": (in_a_group, False, "inside a group"),
    "it is a generator": (a_generator, False, "generator function"),
    "it is an asynchronous generator": (an_asynchronous_generator, False, "generator function"),
    "nobody awaits it": (never_awaiting, False, "coroutine, which nobody awaits"),
    "it takes no task": (without_arguments, True, "TypeError"),
}


@pytest.mark.parametrize(("function", "retryable", "says"), MISTAKES.values(), ids=MISTAKES)
async def test_ends_of_one_kind_alone(
    control_plane: FakeControlPlane,
    client: AsyncPhoenixClient,
    function: Callable[..., Any],
    *,
    retryable: bool,
    says: str,
) -> None:
    client.task_handler("customer_validation")(function)
    client.task_handler("other")(lambda task: 7)
    await join(client)
    await control_plane.send(control_plane.give(TASK))
    (failed,) = await control_plane.hears("FailTask")
    assert says in failed.message
    assert failed.retryable == retryable
    await control_plane.send(control_plane.give(NEXT, required_capabilities=["other"]))
    await control_plane.hears("CompleteTask")


class Called:
    async def __call__(self, task: AsyncTask) -> int:
        await asyncio.sleep(0)
        return 7


async def of_two(number: int, task: AsyncTask) -> int:
    await asyncio.sleep(0)
    return number


@pytest.mark.parametrize("function", [Called(), partial(of_two, 7)], ids=["object", "partial"])
async def test_whatever_is_called_by_async_def_is_an_asynchronous_handler(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient, function: Callable[..., Any]
) -> None:
    client.task_handler()(function)
    await join(client)
    await control_plane.send(control_plane.give(TASK))
    (completed,) = await control_plane.hears("CompleteTask")
    assert json_of(completed.result) == {"value": 7}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reason", ["", "later\ud800\0", "x" * 9000])
async def test_a_handoff_is_asked_for_whatever_its_reason_says(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient, kind: str, reason: str
) -> None:
    register(client, kind, raising(ExceptionGroup("g", [errors.HandOff(reason)])))
    await join(client)
    control_plane.refuse["InitiateHandoff"] = [runtime_errors.NotFound("task", "no target\0")]
    failed = await reported(control_plane)
    (asked,) = control_plane.all("InitiateHandoff")
    assert asked.reason == {0: "requested", 7: "later\\ud800\\x00"}.get(len(reason), asked.reason)
    assert 0 < len(asked.reason) <= 2000
    assert failed.retryable
    assert "RESOURCE_NOT_FOUND" in failed.message


@pytest.mark.parametrize("kind", KINDS)
async def test_a_report_that_is_refused_is_made_again_in_plain_words(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient, kind: str
) -> None:
    wrong = runtime_errors.FieldInvalid([runtime_errors.Violation("message", "is not liked")])
    control_plane.refuse["FailTask"] = [wrong, wrong]
    register(client, kind, raising(ValueError("not liked")))
    await join(client)
    await control_plane.send(control_plane.give(TASK))
    first, second, third = await control_plane.hears("FailTask", 3)
    assert first.message == "ValueError: not liked"
    assert second.message == third.message == "ValueError (its text was refused: FIELD_INVALID)"
    assert len({one.request_id for one in (first, second, third)}) == 3
    await control_plane.send(control_plane.give(NEXT))
    await control_plane.hears("CompleteTask")


async def test_an_answer_of_internal_does_not_execute_a_handler_again(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    called = register(client, "synchronous", lambda: 7)
    await join(client)
    control_plane.refuse["CompleteTask"] = [
        runtime_errors.Refused("a part failed"),
        runtime_errors.QuotaExceeded("slow down"),
    ]
    await control_plane.send(control_plane.give(TASK))
    await control_plane.hears("CompleteTask", 3)
    assert control_plane.tasks[TASK].status == assignment_pb2.TASK_STATUS_SUCCEEDED
    assert called == [TASK]
    assert not control_plane.all("FailTask")

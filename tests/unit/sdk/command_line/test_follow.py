"""What is followed: the audit as it grows, and a task until it has ended."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from phoenix_dma.briefing import TaskInfo, task_info
from phoenix_dma.cli import audit, follow
from phoenix_dma.cli.output import Output
from phoenix_dma.cli.participants import _row
from phoenix_dma.errors import Unavailable
from phoenix_dma.listing import Listing
from phoenix_dma.v1 import assignment_pb2, audit_pb2, registry_pb2

ASK = "waits for a human: phoenix-dma approvals show approval.1"


class Api:
    """A runtime whose answers are listed; `done` is set when there is none left."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[int] = []
        self.done = asyncio.Event()
        self.stubs = self
        self.audit = self
        self.ListAuditEvents = None

    async def listing(self, method: Any, request: Any, field: str, last: int) -> Listing[Any]:
        del method, field
        assert (request.newest_first, last) == (True, 2)
        return Listing(self.answers.pop(0))

    async def pages(self, method: Any, request: Any, field: str, limit: int | None) -> Any:
        del method, field, limit
        assert (request.newest_first, request.with_total, request.page_token) == (False, False, "")
        self.asked.append(request.after_sequence)
        return self._next([])

    async def get_task(self, task_id: str) -> TaskInfo:
        del task_id
        answer: TaskInfo = self._next(None)
        return answer

    def _next(self, last: Any) -> Any:
        if not self.answers:
            self.done.set()
            return last
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "POLL_SECONDS", 0.0)


def events(*sequences: int) -> list[audit_pb2.AuditEvent]:
    return [audit_pb2.AuditEvent(sequence=one, type="TASK_SUBMITTED") for one in sequences]


@pytest.mark.parametrize("output", Output)
async def test_the_audit_is_followed_from_the_last_event_over_a_runtime_that_was_away(
    output: Output, capsys: pytest.CaptureFixture[str]
) -> None:
    away = Unavailable("nothing there")
    api: Any = Api(events(6, 7), events(8), [], away, away, events(9, 11))
    newest = audit_pb2.ListAuditEventsRequest(newest_first=True, with_total=True, task="t")
    following = asyncio.create_task(follow.follow(api, newest, 2, output, audit.first_line))
    await asyncio.wait_for(api.done.wait(), 300)
    following.cancel()
    printed = capsys.readouterr()
    shown = [line for line in printed.out.splitlines() if "TASK_SUBMITTED" in line]
    assert len(shown) == 5
    assert api.asked[:6] == [7, 8, 8, 8, 8, 11]
    assert printed.err == "nothing there; going on after 8 once it is back\n"


def task(status: str, participant: str = "", **fields: Any) -> TaskInfo:
    number = assignment_pb2.TaskStatus.Value(f"TASK_STATUS_{status.upper()}")
    made = assignment_pb2.Task(task_id="task.t", status=number, max_attempts=3, **fields)
    made.assignment.participant_id = participant
    return task_info(made)


def parked() -> TaskInfo:
    waiting = task("awaiting_approval", "agent.b", attempt=2)
    waiting.message.parked.approval_id = "approval.1"
    return waiting


async def test_a_task_is_followed_to_its_end_and_each_change_is_said_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    active = task("active", "agent.a", attempt=1)
    lost = task("migrating", reason="participant_failed", handoff_id="handoff.1", attempt=1)
    end = task("succeeded", "agent.b", attempt=2)
    api: Any = Api(task("pending"), active, active, lost, parked(), end)
    assert await follow.follow_task(api, task("pending")) is end
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == [
        "task.t is submitted",
        "  pending",
        "  active, held by agent.a",
        "  migrating, because participant_failed, moving by handoff.1",
        f"  awaiting_approval, held by agent.b, attempt 2 of 3, {ASK}",
        "  succeeded, held by agent.b, attempt 2 of 3",
    ]


async def test_whoever_stops_waiting_is_told_that_the_task_goes_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    waiting = asyncio.create_task(follow.follow_task(Endless(), task("pending")))  # type: ignore[arg-type]
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "task.t is submitted"
    assert said[-1] == "task.t goes on without you: phoenix-dma tasks show task.t"


class Endless:
    """A runtime in which nothing happens."""

    async def get_task(self, task_id: str) -> TaskInfo:
        del task_id
        return task("pending")


def row_of(status: Any, reason: str) -> Sequence[object]:
    return _row(registry_pb2.Participant(id="agent.a", status=status, status_reason=reason))


def test_who_said_goodbye_has_left_and_who_fell_silent_has_failed() -> None:
    failed = registry_pb2.PARTICIPANT_STATUS_FAILED
    assert row_of(failed, "participant_left")[2] == "left"
    assert row_of(failed, "participant_failed")[2] == "failed"

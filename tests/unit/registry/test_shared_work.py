"""Searches that run at the same time: what they do together, and what stays each one's own."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

from phoenix_runtime.core.events import AuditDraft, AuditEventType
from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.receipt import Receipt
from phoenix_runtime.core.verdict import DecisionPoint, Verdict
from registry_svc.domain.discovery import BATCH, Requirement
from registry_svc.domain.participant import Participant
from registry_svc.usecases.discovery.shared_work import Questions, SharedWork
from tests.support.builders.calls import call_of
from tests.support.fakes.policy import RecordingPolicy
from tests.unit.registry.test_ranking import member

SAM, EVE = (call_of("submitter", tenant="t", subject=name) for name in ("sam", "eve"))
NEED = Requirement(required_capabilities=("a",))
OTHER = Requirement(required_capabilities=("a",), task_id="task.1")
A, B = member("agent.a"), member("agent.b")


class Units:
    """Opens units that write and units that read, both by ``opened``."""

    def __init__(self, opened: Any) -> None:
        self._opened = opened

    def __call__(self, call: Call) -> Any:
        """See `core.ports.Units`."""
        return self._opened(call)

    reading = __call__


class Around:
    """The ports of `SharedWork`; they answer once ``let`` is set, and note what they are asked."""

    def __init__(self) -> None:
        self.let = asyncio.Event()
        self.asked: list[tuple[str, int]] = []
        self.policy = RecordingPolicy()

    @property
    def shared(self) -> SharedWork:
        """The work on these ports."""
        context = SimpleNamespace(policy=self, units=Units(self.unit), own_call=own_call)
        return SharedWork(cast("Any", context))

    async def evaluate(
        self, call: Call, point: DecisionPoint, inputs: Sequence[JsonObject]
    ) -> tuple[Verdict, ...]:
        """See `core.ports.Policy`."""
        await self._note(call.actor, len(inputs))
        return await self.policy.evaluate(call, point, inputs)

    @asynccontextmanager
    async def unit(self, call: Call) -> AsyncIterator[Any]:
        """A unit that has `A` and `B`, and numbers events."""
        written: list[str] = []

        async def find(ids: Sequence[str]) -> tuple[Participant, ...]:
            await self._note("rows", len(ids))
            return tuple(one for one in (A, B) if one.id in ids)

        async def audit_for(of: Call, draft: AuditDraft) -> Receipt:
            written.append(of.actor)
            return Receipt(f"{of.actor}: {draft.aggregate}", of.correlation_id, 1)

        yield SimpleNamespace(find_participants=find, audit_for=audit_for)
        if written:
            await self._note("events", len(written))

    async def _note(self, what: str, count: int) -> None:
        self.asked.append((what, count))
        await self.let.wait()


def own_call(tenant: str) -> Call:
    return call_of("service", tenant=tenant, subject="service:registry")


async def settled() -> None:
    """All that can run has run."""
    for _ in range(10):
        await asyncio.sleep(0)


def draft(number: int) -> AuditDraft:
    return AuditDraft(
        type=AuditEventType.DISCOVERY_COMPLETED,
        aggregate=f"discovery/{number}",
        aggregate_version=1,
        detail={},
    )


async def test_the_same_questions_of_one_caller_at_once_are_asked_once() -> None:
    around = Around()
    shared = around.shared

    def judge(call: Call, need: Requirement = NEED) -> "asyncio.Task[Sequence[Verdict]]":
        return asyncio.create_task(cast("Any", shared.judge(Questions(call, need, (A, B)))))

    first = judge(SAM)
    await settled()
    later = [judge(SAM), judge(SAM), judge(SAM, OTHER)]
    another = judge(EVE)
    await settled()
    # One who asks during a round is not answered by it: it began before.
    assert around.asked == [("sam", 2), ("eve", 2)]
    around.let.set()
    found = [[one.decision_id for one in await task] for task in (first, *later, another)]
    assert around.asked == [("sam", 2), ("eve", 2), ("sam", 4)]
    assert found[1] == found[2]
    assert len({name for names in found for name in names}) == 8


async def test_no_question_to_policy_is_larger_than_a_batch() -> None:
    around = Around()
    around.let.set()
    many = [member(f"agent.{number}") for number in range(BATCH + 6)]
    verdicts = await around.shared.judge(Questions(SAM, NEED, many))
    assert len(verdicts) == len(many)
    assert around.asked == [("sam", BATCH), ("sam", 6)]


async def test_rows_are_read_and_events_written_together_and_each_gets_its_own() -> None:
    around = Around()
    shared = around.shared
    read = [
        asyncio.create_task(cast("Any", shared.read(SAM, ids)))
        for ids in (["agent.a"], ["agent.b", "agent.unknown"], ["agent.b", "agent.a"])
    ]
    written = [
        asyncio.create_task(cast("Any", shared.audit(call, draft(number))))
        for number, call in enumerate((SAM, EVE))
    ]
    around.let.set()
    assert [await task for task in read] == [[A], [B], [B, A]]
    receipts = [(await task).audit_event_id for task in written]
    assert receipts == ["sam: discovery/0", "eve: discovery/1"]
    assert sorted(around.asked) == [("events", 2), ("rows", 3)]

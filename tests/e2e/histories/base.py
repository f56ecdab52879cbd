"""What every history has: a tenant, its agents, and what they know of epochs and offers.

Agents never forget an epoch or an offer that they once had, and use any of them at any time: they
are zombies as often as not. After each history `assert_invariants` reads tables and audit.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Coroutine, Sequence
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from phoenix_dma.errors import PhoenixError
from phoenix_dma.v1.session_pb2 import Directive
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.local.runtime import LocalRuntime
from tests.e2e.scenarios.assertions import assert_invariants
from tests.e2e.scenarios.participant import Participant
from tests.e2e.scenarios.scenario import Scenario

Step = Coroutine[Any, Any, object]
Held = tuple[str, str, int]
"""A participant, a task, and the epoch under which it had the task."""
AGENTS: Final = ("agent.a", "agent.b", "agent.c")
MERGE: Final = ["human_approval_required_for_merge"]
AT_FAULT: Final = {"INTERNAL", "UNAVAILABLE", "POLICY_ENGINE_UNAVAILABLE"}
"""Nothing is killed in these histories, so no refusal may be the runtime's own fault."""
MOST_TASKS: Final = 8
MOMENT: Final = 0.3
"""Seconds in which the services do what they do by themselves."""
VERBS: Final = ("start", "decline", "fail", "complete", "read", "merge")
PICK: Final = st.integers(min_value=0, max_value=10_000)
AGENT: Final = st.sampled_from(AGENTS)


class World:
    """The runtime that the histories of a run share, and the event loop of its clients."""

    def __init__(self, runtime: LocalRuntime) -> None:
        self.runtime = runtime
        self.loop = asyncio.new_event_loop()

    def run(self, step: Coroutine[Any, Any, Any]) -> Any:
        """Run the step until it is done."""
        return self.loop.run_until_complete(step)

    def close(self) -> None:
        """Close the event loop; the runtime goes on."""
        self.loop.close()


class History(RuleBasedStateMachine):
    """One history in a tenant of its own.

    No rule has a precondition: what is there depends on the services' own pace, and hypothesis must
    be able to draw the same history again.
    """

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.scenario = Scenario(self.world.runtime, new_id("tenant"))
        self.agents: dict[str, Participant] = {}
        self.away: set[str] = set()
        self.retiring: set[str] = set()
        self.numbers = itertools.count(1)
        self.tasks: list[str] = []
        self.known: list[Held] = []
        self.epochs: dict[str, int] = {}
        self.holders: dict[str, str] = {}
        self.acknowledged: dict[str, dict[int, str]] = {}

    def run(self, step: Step) -> object:
        """Run the step until it is done."""
        answer = self.world.run(refusal_or_answer(step))
        self.world.run(self.look())
        return answer

    async def look(self) -> None:
        """Record every epoch that is seen; an epoch never goes backwards."""
        operator = await self.scenario.operator()
        for task in await operator.list_tasks():
            seen = self.epochs.get(task.id, 0)
            assert task.epoch >= seen, f"{task.id} went from epoch {seen} back to {task.epoch}"
            self.epochs[task.id] = task.epoch
            self.holders[task.id] = task.participant
            known = (task.participant, task.id, task.epoch)
            if task.participant and known not in self.known:
                self.known.append(known)

    def somebody(self, pick: int, *, zombie: bool) -> Held:
        """A participant that once had an epoch; a zombie's epoch is over."""
        wanted = [one for one in self.known if self.burnt(one) == zombie] or self.known
        return wanted[pick % len(wanted)]

    def burnt(self, held: Held) -> bool:
        """Whether that epoch is over for good."""
        _, task_id, epoch = held
        return self.epochs[task_id] > epoch

    def offers(self) -> list[tuple[Participant, Directive]]:
        """Every offer that any agent ever received, oldest first."""
        told = [(one, told) for one in self.agents.values() for told in one.heard if told.offer_id]
        return sorted(told, key=lambda offer: offer[1].directive_id)  # ids are made in order

    def teardown(self) -> None:
        try:
            self.world.run(self._nothing_was_lost())
            self.world.run(assert_invariants(self.scenario))
        finally:
            self.world.run(self.scenario.__aexit__(None, None, None))

    async def _nothing_was_lost(self) -> None:
        """Every acknowledged checkpoint is stored under its version and hash (I4)."""
        pointers = (await self.scenario.evidence()).pointers
        found = {(pointer.task_id, pointer.version): pointer.hash for pointer in pointers}
        for task_id, versions in self.acknowledged.items():
            for version, hashed in versions.items():
                assert found.get((task_id, version)) == hashed, f"{task_id} lost {version}"


def accepted(answer: object) -> bool:
    """Whether the step was accepted."""
    return not isinstance(answer, PhoenixError)


async def together(steps: Sequence[Step]) -> None:
    """Run ``steps`` at the same time; a refusal is an answer, anything else is a bug."""
    answers = await asyncio.gather(*map(refusal_or_answer, steps), return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException) and not isinstance(answer, PhoenixError):
            raise answer


async def refusal_or_answer(step: Step) -> object:
    """The answer or the refusal; a refusal that is the runtime's own fault is raised."""
    try:
        return await step
    except PhoenixError as refusal:
        if refusal.reason in AT_FAULT:
            raise
        return refusal

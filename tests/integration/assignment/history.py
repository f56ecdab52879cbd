"""One history of participants, tasks, offers and humans, and what its steps remember."""

import asyncio
import itertools
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
)
from sqlalchemy import text

from phoenix_runtime.chassis.data.connecting import DatabaseOptions, create_database
from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.core.clock import ManualClock
from phoenix_runtime.core.errors import Refused
from phoenix_runtime.core.standing import ParticipantStatus
from tests.support.servers.assignment_service import AssignmentService
from tests.support.waiting.until import PATIENCE

Step = Coroutine[Any, Any, object]
AGENTS = ("agent.a", "agent.b", "agent.c")
HELD = "SELECT participant_id, task_id, epoch FROM assignment.tasks WHERE participant_id <> ''"
OFFERED = """
SELECT offer->>'target', handoff_id, offer->>'offer_id' FROM assignment.handoffs
WHERE status = 'offered'
"""
WAITING = "SELECT task_id FROM assignment.tasks WHERE status = 'pending' ORDER BY task_id"
PICK = st.integers(min_value=0, max_value=10_000)
AGENT = st.sampled_from(AGENTS)


@dataclass
class World:
    """What all histories of a run share: one event loop, one pool, one clock."""

    application: str
    admin: str
    clock: ManualClock = field(default_factory=ManualClock)
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def __post_init__(self) -> None:
        patient = timedelta(seconds=2 * PATIENCE)
        options = DatabaseOptions(
            name="phoenix-dma-test", pool=8, checkout_timeout=patient, response_timeout=patient
        )
        self.database: Database = create_database(
            self.application, clock=self.clock, options=options
        )

    def close(self) -> None:
        self.loop.run_until_complete(self.database.close())
        self.loop.close()


class History(RuleBasedStateMachine):
    """One history in a tenant of its own.

    No rule has a precondition: what is there depends on races too, and hypothesis must be able to
    draw the same history again.
    """

    world: World

    def __init__(self) -> None:
        super().__init__()
        world = self.world
        self.runtime = AssignmentService(new_id("tenant"), world.clock, world.database, world.admin)
        self.numbers = itertools.count(1)
        self.tasks: list[str] = []
        self.epochs: list[tuple[str, str, int]] = []
        self.offers: list[tuple[str, str, str]] = []
        self.retiring: set[str] = set()
        self.held: set[tuple[str, str, int]] = set()
        self.waiting: list[str] = []

    # ---- what runs a step

    def run(self, step: Step) -> object:
        """A step's answer, or its refusal; anything else that is raised is a bug."""
        answer = self.world.loop.run_until_complete(refusal_or_answer(step))
        self.world.loop.run_until_complete(self.remember())
        return answer

    async def remember(self) -> None:
        """Agents keep every epoch and offer that they ever had."""
        async with self.world.database.reading(self.runtime.tenant) as connection:
            held = [tuple(row.values()) for row in await connection.fetch(text(HELD))]
            offered = [tuple(row.values()) for row in await connection.fetch(text(OFFERED))]
            waiting = [next(iter(row.values())) for row in await connection.fetch(text(WAITING))]
        self.held = set(held)
        self.waiting = waiting
        self.epochs += [known for known in held if known not in self.epochs]
        self.offers += [offer for offer in offered if offer not in self.offers]

    def somebody(self, pick: int, *, zombie: bool) -> tuple[str, str, int]:
        """Who once had an epoch; a zombie's is burnt, and somebody else works on its task."""
        if zombie:
            busy = {task_id for _, task_id, _ in self.held}
            wanted = [one for one in self.epochs if one not in self.held and one[1] in busy]
        else:
            wanted = [one for one in self.epochs if one in self.held]
        chosen = wanted or self.epochs
        return chosen[pick % len(chosen)]

    def holds(self, who: str, task_id: str, epoch: int) -> bool:
        """Whether the row says that ``who`` may write for the task under ``epoch`` now."""
        return (who, task_id, epoch) in self.held

    def may_change(self, who: str) -> bool:
        status = self.runtime.registry.people[who].status
        return status not in {ParticipantStatus.RETIRING, ParticipantStatus.RETIRED}

    def teardown(self) -> None:
        findings = self.world.loop.run_until_complete(self.runtime.findings())
        assert findings == (), "\n".join(map(str, findings))


async def together(steps: Sequence[Step]) -> None:
    """Run ``steps`` at the same time; a refusal is an answer, anything else is a bug."""
    answers = await asyncio.gather(*map(refusal_or_answer, steps), return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException) and not isinstance(answer, Refused):
            raise answer


async def refusal_or_answer(step: Step) -> object:
    try:
        return await step
    except Refused as refusal:
        return refusal

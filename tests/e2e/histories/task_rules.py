"""Rules by which tasks are submitted, worked on, cancelled and handed off."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from phoenix_dma.v1 import handoff_pb2
from tests.e2e.histories.base import (
    MERGE,
    MOMENT,
    MOST_TASKS,
    PICK,
    VERBS,
    Held,
    History,
    Step,
    accepted,
)


class TaskRules(History):
    """Everything that happens to a task, by its owner, a zombie or an operator."""

    @rule(priority=st.integers(0, 3), assigned=st.booleans(), merges=st.booleans())
    def somebody_submits(self, priority: int, *, assigned: bool, merges: bool) -> None:
        if len(self.tasks) < MOST_TASKS:
            self.run(self._submits(self.new_task(), priority, assigned=assigned, merges=merges))

    def new_task(self) -> str:
        """The id of a task that is about to be submitted."""
        self.tasks.append(f"task.{next(self.numbers)}")
        return self.tasks[-1]

    async def _submits(self, task_id: str, priority: int, *, assigned: bool, merges: bool) -> None:
        operator = await self.scenario.operator()
        constraints = MERGE if merges else []
        task = self.scenario.task(
            task_id=task_id, priority=priority, policy_constraints=constraints
        )
        await (operator.assign(task) if assigned else operator.submit(task))

    @rule(pick=PICK, detached=st.booleans())
    def an_assignee_submits_a_child(self, pick: int, *, detached: bool) -> None:
        if not self.known or len(self.tasks) >= MOST_TASKS:
            return
        held = self.known[pick % len(self.known)]
        who, parent, epoch = held
        child = self.scenario.task(task_id=self.new_task())
        child.parent_task_id, child.parent_epoch, child.detached = parent, epoch, detached
        burnt = self.burnt(held)
        answer = self.run(self.agents[who].api.submit(child))
        assert not (accepted(answer) and burnt), f"{who} has a child of {parent}, lost at {epoch}"

    @rule(pick=PICK, verb=st.sampled_from(VERBS), zombie=st.booleans())
    def an_agent_acts(self, pick: int, verb: str, *, zombie: bool) -> None:
        if not self.known:
            return
        held = self.somebody(pick, zombie=zombie)
        burnt = self.burnt(held)
        answer = self.run(self.deed(verb, held))
        # Whoever completed a task and did not hear of it may complete it once more.
        assert not (accepted(answer) and burnt and verb != "complete"), f"{verb} by {held}, burnt"

    def deed(self, verb: str, held: Held) -> Step:
        """One verb of an owner, or of a zombie."""
        who, task_id, epoch = held
        agent = self.agents[who]
        deeds: dict[str, Callable[[], Step]] = {
            "start": lambda: agent.start(task_id, epoch),
            "decline": lambda: agent.decline(task_id, epoch),
            "fail": lambda: agent.fail(task_id, epoch, retryable=True),
            "complete": lambda: agent.complete(task_id, epoch, {"by": who}),
            "read": lambda: agent.authorize(task_id, epoch, "data_read", "read", subject={"n": 1}),
            "merge": lambda: agent.authorize(
                task_id, epoch, "final_action", "merge", subject={"n": 1}
            ),
        }
        return deeds[verb]()

    @rule(pick=PICK, behind=st.integers(0, 2), content=st.integers(0, 3), zombie=st.booleans())
    def an_agent_checkpoints(self, pick: int, behind: int, content: int, *, zombie: bool) -> None:
        if self.known:
            held = self.somebody(pick, zombie=zombie)
            self.an_agent_checkpoints_as(held, behind=behind, content=content)

    def an_agent_checkpoints_as(self, held: Held, *, behind: int, content: int) -> None:
        """Checkpoint; acknowledged versions stay, and nobody overwrites an unseen one (I3, I4)."""
        burnt = self.burnt(held)
        kept = self.acknowledged.setdefault(held[1], {})
        base = max([0, *kept]) - behind
        answer: Any = self.run(self.checkpoint(held, max(0, base), content))
        if not accepted(answer):
            return
        made = answer.checkpoint
        assert not burnt, f"a checkpoint by {held} was accepted although its epoch is burnt"
        before = kept.setdefault(made.version, answer.hash)
        assert before == answer.hash, f"version {made.version} of {held[1]} was overwritten"

    async def checkpoint(self, held: Held, base: int, content: int) -> object:
        who, task_id, epoch = held
        outputs = {"outputs": {"content": content}}
        return await self.agents[who].checkpoint(task_id, epoch, base, outputs)

    @rule(pick=PICK)
    def somebody_cancels(self, pick: int) -> None:
        if self.tasks and pick % 4 == 0:  # a history of cancelled tasks tells little
            self.run(self._cancels(self.tasks[pick % len(self.tasks)]))

    async def _cancels(self, task_id: str) -> None:
        await (await self.scenario.operator()).cancel(task_id, "not needed")

    def offers_are_taken(self) -> None:
        """A moment later, who was offered something lately takes over; then a zombie writes."""
        self.run(asyncio.sleep(MOMENT))
        for agent, offer in self.offers()[-3:]:
            self.run(agent.accept(offer))
            zombies = [one for one in self.known if one[1] == offer.task_id and self.burnt(one)]
            for zombie in zombies[-1:]:
                self.an_agent_checkpoints_as(zombie, behind=0, content=2)

    @rule(pick=PICK, zombie=st.booleans(), taken=st.booleans())
    def a_handoff_is_asked_for(self, pick: int, *, zombie: bool, taken: bool) -> None:
        if not self.known:
            return
        held = self.somebody(pick, zombie=zombie)
        self.run(self.agents[held[0]].hand_off(held[1]))
        if taken:  # at once, where the source has nothing more to say
            self.an_agent_checkpoints_as(held, behind=0, content=1)
            self.offers_are_taken()

    @rule(pick=PICK, accepts=st.booleans(), newest=st.booleans())
    def a_target_answers(self, pick: int, *, accepts: bool, newest: bool) -> None:
        offers = self.offers()
        if not offers:
            return
        agent, offer = offers[-1 if newest else pick % len(offers)]
        self.run(agent.accept(offer) if accepts else agent.refuse(offer))

    @rule(pick=PICK)
    def an_operator_aborts(self, pick: int) -> None:
        offers = self.offers()
        if offers:
            self.run(self._aborts(offers[pick % len(offers)][1].handoff_id))

    async def _aborts(self, handoff_id: str) -> None:
        operator = await self.scenario.operator()
        request = handoff_pb2.AbortHandoffRequest(handoff_id=handoff_id, reason="not now")
        await operator.ask(operator.stubs.handoffs.AbortHandoff, request)

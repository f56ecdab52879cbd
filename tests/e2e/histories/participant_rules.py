"""Rules by which participants come, go, work, and are suspended or retired."""

from __future__ import annotations

import asyncio

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from phoenix_dma.v1 import registry_pb2
from tests.e2e.histories.base import (
    AGENT,
    AGENTS,
    MOMENT,
    PICK,
)
from tests.e2e.histories.task_rules import TaskRules
from tests.e2e.scenarios.humans import human


class ParticipantRules(TaskRules):
    """Everything that happens to a participant, and what willing ones do by themselves."""

    @initialize(capacities=st.tuples(*[st.integers(1, 2)] * len(AGENTS)))
    def they_join(self, capacities: tuple[int, ...]) -> None:
        self.world.run(self._they_join(capacities))
        for _ in range(2):
            self.somebody_submits(priority=0, assigned=True, merges=True)
        self.the_day_goes_on(willing=True)

    async def _they_join(self, capacities: tuple[int, ...]) -> None:
        await self.scenario.__aenter__()
        self.decider = await human(self.scenario)
        for name, capacity in zip(AGENTS, capacities, strict=True):
            self.agents[name] = await self.scenario.participant(name, capacity=capacity)

    @rule(who=AGENT, missed=st.booleans(), taken=st.booleans())
    def falls_silent(self, who: str, *, missed: bool, taken: bool) -> None:
        if who in self.away:
            return
        self.away.add(who)
        self.run(self._falls_silent(who, missed=missed))
        if missed and taken:
            self.offers_are_taken()

    async def _falls_silent(self, who: str, *, missed: bool) -> None:
        await self.agents[who].fall_silent()
        if missed:
            await self.scenario.standing(who, "failed", "retired", "suspended")

    @rule(who=AGENT)
    def comes_back(self, who: str) -> None:
        self.run(self._comes_back(who))

    async def _comes_back(self, who: str) -> None:
        """Register again, as a process does that is started again."""
        agent = self.agents[who]
        await agent.fall_silent()
        self.away.add(who)
        await agent.join()
        self.away.discard(who)
        await agent.resume()

    @rule()
    def everybody_is_back(self) -> None:
        """Everybody registers again: where nobody is active, little happens."""
        for who in sorted(self.away):
            self.run(self._is_reinstated(who))
            self.run(self._comes_back(who))

    @rule(who=AGENT, back=st.booleans(), pick=PICK)
    def is_suspended(self, who: str, pick: int, *, back: bool) -> None:
        if pick % 3 == 0:
            self.away.add(who)
            self.run(self._is_suspended(who))
            if back:
                self.run(self._is_reinstated(who))

    async def _is_suspended(self, who: str) -> None:
        operator = await self.scenario.operator()
        request = registry_pb2.SuspendParticipantRequest(participant_id=who, reason="a check")
        await operator.ask(operator.stubs.registry.SuspendParticipant, request)

    async def _is_reinstated(self, who: str) -> None:
        operator = await self.scenario.operator()
        request = registry_pb2.ReinstateParticipantRequest(participant_id=who, reason="all is well")
        await operator.ask(operator.stubs.registry.ReinstateParticipant, request)

    @rule(who=AGENT, graceful=st.booleans(), pick=PICK)
    def retires(self, who: str, pick: int, *, graceful: bool) -> None:
        if len(self.retiring | {who}) == len(AGENTS) or pick % 3:
            return
        self.retiring.add(who)
        self.run(self._retires(who, "graceful" if graceful else "immediate"))

    async def _retires(self, who: str, mode: str) -> None:
        await (await self.scenario.operator()).retire(who, mode=mode, reason="the project ends")

    @rule(willing=st.sampled_from([True, True, False]))
    def the_day_goes_on(self, *, willing: bool) -> None:
        """A moment passes; willing agents begin what they get and take what is offered."""
        self.run(asyncio.sleep(MOMENT))
        if not willing:
            return
        for held in [one for one in self.known if not self.burnt(one)]:
            who, task_id, epoch = held
            self.run(self.agents[who].start(task_id, epoch))
            self.an_agent_checkpoints_as(held, behind=0, content=0)
        self.offers_are_taken()

    @rule(pick=PICK, yes=st.booleans())
    def a_human_decides(self, pick: int, *, yes: bool) -> None:
        self.run(self._a_human_decides(pick, yes=yes))

    async def _a_human_decides(self, pick: int, *, yes: bool) -> None:
        operator = await self.scenario.operator()
        waiting = await operator.list_approvals(statuses=("pending",))
        if waiting:
            asked = waiting[pick % len(waiting)]
            await self.decider.api.decide(asked.approval_id, approve=yes, comment="as drawn")

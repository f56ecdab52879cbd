"""The rules about handoffs, and steps that race for the same rows."""

import itertools

from hypothesis import strategies as st
from hypothesis.stateful import (
    rule,
)

from assignment_svc.domain.handoff import Acceptance
from assignment_svc.domain.states import RetirementMode
from assignment_svc.usecases.handoff.complete_handoff import HandoffCompletion
from assignment_svc.usecases.handoff.initiate_handoff import HandoffRequest
from assignment_svc.usecases.membership.retire_participant import RetirementRequest
from tests.integration.assignment.history import AGENT, AGENTS, PICK, Step, together
from tests.integration.assignment.history_of_tasks import Tasks


class Handoffs(Tasks):
    """Handoffs are asked for, answered and aborted; everything races."""

    # ---- handoffs

    @rule(pick=PICK)
    def a_handoff_is_asked_for(self, pick: int) -> None:
        if not self.epochs:
            return
        who, task_id, _ = self.epochs[pick % len(self.epochs)]
        asked = HandoffRequest(task_id, who, "requested")
        self.run(self.runtime.handoffs.initiate(self.runtime.agent(who), asked))

    @rule(pick=PICK, accepts=st.booleans(), newest=st.booleans())
    def a_target_answers(self, pick: int, *, accepts: bool, newest: bool) -> None:
        if not self.offers:
            return
        index = -1 if newest else pick % len(self.offers)
        self.run(self.answer(self.offers[index], accepts=accepts))

    async def answer(self, offer: tuple[str, str, str], *, accepts: bool) -> object:
        target, handoff_id, offer_id = offer
        verbs, caller = self.runtime.handoffs, self.runtime.agent(target)
        if not accepts:
            return await verbs.decline(caller, handoff_id=handoff_id, offer_id=offer_id, why="")
        handoff = (await verbs.get(self.runtime.operator, handoff_id)).handoff
        resolved = await self.runtime.tasks.resolve(self.runtime.operator, handoff.task_id)
        acceptance = Acceptance(resolved.pointer.hash, ())
        return await verbs.complete(caller, HandoffCompletion(handoff_id, offer_id, acceptance))

    @rule(pick=PICK)
    def an_operator_aborts(self, pick: int) -> None:
        if not self.offers:
            return
        _, handoff_id, _ = self.offers[pick % len(self.offers)]
        self.run(self.runtime.handoffs.abort(self.runtime.operator, handoff_id=handoff_id, why=""))

    # ---- races: the same rows at the same time

    @rule(retires=st.booleans(), who=AGENT)
    def tasks_race_for_seats(self, who: str, *, retires: bool) -> None:
        """Everything that waits is assigned at once, and somebody may leave meanwhile."""
        for _ in range(2 - len(self.waiting)):
            self.somebody_submits(priority=0, attempts=3, limited=False, assigned=False)
        steps: list[Step] = [
            self.runtime.assign(self.runtime.engine, task_id) for task_id in self.waiting[:3]
        ]
        if retires and len(self.retiring) < len(AGENTS) - 1:
            self.retiring.add(who)
            request = RetirementRequest(who, RetirementMode.IMMEDIATE)
            steps.append(self.runtime.handoffs.retire(self.runtime.operator, request))
        self.run(together(steps))

    @rule(
        pick=PICK,
        other=PICK,
        verbs=st.lists(
            st.sampled_from(
                [
                    "start",
                    "decline",
                    "fail",
                    "complete",
                    "checkpoint",
                    "reconcile",
                    "work",
                    "resume",
                ]
            ),
            min_size=2,
            max_size=3,
        ),
    )
    def they_race(self, pick: int, other: int, verbs: list[str]) -> None:
        if not self.epochs:
            return
        picks = itertools.cycle([pick, other])
        self.run(together([self.racer(verb, next(picks)) for verb in verbs]))

    def racer(self, verb: str, pick: int) -> Step:
        who, task_id, epoch = self.epochs[pick % len(self.epochs)]
        if verb == "checkpoint":
            return self.checkpoint(who, task_id, epoch, (0, pick))
        if verb == "reconcile":
            return self.runtime.reconcile(self.runtime.engine)
        if verb == "work":
            return self.runtime.work(rounds=1)
        if verb == "resume":
            generation = self.runtime.registry.people[who].generation
            return self.runtime.tasks.resume(self.runtime.agent(who), generation)
        return self.deed(verb, who, task_id, epoch)

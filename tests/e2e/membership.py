"""A state machine that plays with a whole runtime: participants, tasks, epochs and offers.

Agents never forget an epoch or an offer that they once had, and use any of them at any time: they
are zombies as often as not. After each history `prove` reads tables and audit.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from phoenix_dma.errors import PhoenixError
from phoenix_dma.v1 import handoff_pb2, registry_pb2
from phoenix_dma.v1.session_pb2 import Directive
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.local.runtime import LocalRuntime
from tests.e2e.humans import human
from tests.e2e.participant import Participant
from tests.e2e.proof import prove
from tests.e2e.stage import Stage

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
    """What the histories of a run share: the runtime, and the one event loop of its clients."""

    def __init__(self, runtime: LocalRuntime) -> None:
        self.runtime = runtime
        self.loop = asyncio.new_event_loop()

    def run(self, step: Coroutine[Any, Any, Any]) -> Any:
        """Let the world go on until ``step`` is done."""
        return self.loop.run_until_complete(step)

    def close(self) -> None:
        """Nothing more happens; the runtime goes on."""
        self.loop.close()


@contextmanager
def machine_over(world: World) -> Iterator[type[Membership]]:
    """The machine, ready to play with that world's runtime; the world ends with it."""
    yield type("MembershipHere", (Membership,), {"world": world})


class Membership(RuleBasedStateMachine):
    """One history in a tenant of its own.

    No rule has a precondition: what is there depends on the services' own pace, and hypothesis must
    be able to draw the same history again.
    """

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.stage = Stage(self.world.runtime, new_id("tenant"))
        self.agents: dict[str, Participant] = {}
        self.away: set[str] = set()
        self.retiring: set[str] = set()
        self.numbers = itertools.count(1)
        self.tasks: list[str] = []
        self.known: list[Held] = []
        self.epochs: dict[str, int] = {}
        self.holders: dict[str, str] = {}
        self.acknowledged: dict[str, dict[int, str]] = {}

    # ---- what runs a step

    def run(self, step: Step) -> object:
        """A step's answer, or its refusal; then everybody looks at where the tasks are."""
        answer = self.world.run(refusal_or_answer(step))
        self.world.run(self.look())
        return answer

    async def look(self) -> None:
        """Agents keep every epoch that they ever had; an epoch never goes backwards."""
        operator = await self.stage.operator()
        for task in await operator.list_tasks():
            seen = self.epochs.get(task.id, 0)
            assert task.epoch >= seen, f"{task.id} went from epoch {seen} back to {task.epoch}"
            self.epochs[task.id] = task.epoch
            self.holders[task.id] = task.participant
            known = (task.participant, task.id, task.epoch)
            if task.participant and known not in self.known:
                self.known.append(known)

    def somebody(self, pick: int, *, zombie: bool) -> Held:
        """Who once had an epoch; a zombie's is burnt."""
        wanted = [one for one in self.known if self.burnt(one) == zombie] or self.known
        return wanted[pick % len(wanted)]

    def burnt(self, held: Held) -> bool:
        """Whether that epoch is over for certain; nothing brings it back."""
        _, task_id, epoch = held
        return self.epochs[task_id] > epoch

    def offers(self) -> list[tuple[Participant, Directive]]:
        """Every offer that anybody was ever told of, oldest first."""
        told = [(one, told) for one in self.agents.values() for told in one.heard if told.offer_id]
        return sorted(told, key=lambda offer: offer[1].directive_id)  # ids are made in order

    # ---- participants

    @initialize(capacities=st.tuples(*[st.integers(1, 2)] * len(AGENTS)))
    def they_join(self, capacities: tuple[int, ...]) -> None:
        self.world.run(self._they_join(capacities))
        for _ in range(2):
            self.somebody_submits(priority=0, assigned=True, merges=True)
        self.the_day_goes_on(willing=True)

    async def _they_join(self, capacities: tuple[int, ...]) -> None:
        await self.stage.__aenter__()
        self.decider = await human(self.stage)
        for name, capacity in zip(AGENTS, capacities, strict=True):
            self.agents[name] = await self.stage.participant(name, capacity=capacity)

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
            await self.stage.standing(who, "failed", "retired", "suspended")

    @rule(who=AGENT)
    def comes_back(self, who: str) -> None:
        self.run(self._comes_back(who))

    async def _comes_back(self, who: str) -> None:
        """As a process that is started again."""
        agent = self.agents[who]
        await agent.fall_silent()
        self.away.add(who)
        await agent.join()
        self.away.discard(who)
        await agent.resume()

    @rule()
    def everybody_is_back(self) -> None:
        """Where nobody is there, little happens."""
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
        operator = await self.stage.operator()
        request = registry_pb2.SuspendParticipantRequest(participant_id=who, reason="a check")
        await operator.ask(operator.stubs.registry.SuspendParticipant, request)

    async def _is_reinstated(self, who: str) -> None:
        operator = await self.stage.operator()
        request = registry_pb2.ReinstateParticipantRequest(participant_id=who, reason="all is well")
        await operator.ask(operator.stubs.registry.ReinstateParticipant, request)

    @rule(who=AGENT, graceful=st.booleans(), pick=PICK)
    def retires(self, who: str, pick: int, *, graceful: bool) -> None:
        if len(self.retiring | {who}) == len(AGENTS) or pick % 3:
            return
        self.retiring.add(who)
        self.run(self._retires(who, "graceful" if graceful else "immediate"))

    async def _retires(self, who: str, mode: str) -> None:
        await (await self.stage.operator()).retire(who, mode=mode, reason="the season ends")

    # ---- the day

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

    def offers_are_taken(self) -> None:
        """A moment later, who was offered something lately takes over; then a zombie writes."""
        self.run(asyncio.sleep(MOMENT))
        for agent, offer in self.offers()[-3:]:
            self.run(agent.accept(offer))
            zombies = [one for one in self.known if one[1] == offer.task_id and self.burnt(one)]
            for zombie in zombies[-1:]:
                self.an_agent_checkpoints_as(zombie, behind=0, content=2)

    @rule(pick=PICK, yes=st.booleans())
    def a_human_decides(self, pick: int, *, yes: bool) -> None:
        self.run(self._a_human_decides(pick, yes=yes))

    async def _a_human_decides(self, pick: int, *, yes: bool) -> None:
        operator = await self.stage.operator()
        waiting = await operator.list_approvals(statuses=("pending",))
        if waiting:
            asked = waiting[pick % len(waiting)]
            await self.decider.api.decide(asked.approval_id, approve=yes, comment="as drawn")

    # ---- tasks

    @rule(priority=st.integers(0, 3), assigned=st.booleans(), merges=st.booleans())
    def somebody_submits(self, priority: int, *, assigned: bool, merges: bool) -> None:
        if len(self.tasks) < MOST_TASKS:
            self.run(self._submits(self.new_task(), priority, assigned=assigned, merges=merges))

    def new_task(self) -> str:
        """The id of a task that is about to be submitted."""
        self.tasks.append(f"task.{next(self.numbers)}")
        return self.tasks[-1]

    async def _submits(self, task_id: str, priority: int, *, assigned: bool, merges: bool) -> None:
        operator = await self.stage.operator()
        constraints = MERGE if merges else []
        task = self.stage.task(task_id=task_id, priority=priority, policy_constraints=constraints)
        await (operator.assign(task) if assigned else operator.submit(task))

    @rule(pick=PICK, detached=st.booleans())
    def an_assignee_submits_a_child(self, pick: int, *, detached: bool) -> None:
        if not self.known or len(self.tasks) >= MOST_TASKS:
            return
        held = self.known[pick % len(self.known)]
        who, parent, epoch = held
        child = self.stage.task(
            task_id=self.new_task(), parent_task_id=parent, parent_epoch=epoch, detached=detached
        )
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
        """One verb of an assignee, or of somebody who takes itself for one."""
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
        """What was acknowledged stays, and nobody overwrites what they had not seen (I3, I4)."""
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
        await (await self.stage.operator()).cancel(task_id, "not needed")

    # ---- handoffs

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
        operator = await self.stage.operator()
        request = handoff_pb2.AbortHandoffRequest(handoff_id=handoff_id, reason="not now")
        await operator.ask(operator.stubs.handoffs.AbortHandoff, request)

    # ---- races: the same rows at the same time

    @rule(retires=st.booleans(), who=AGENT)
    def tasks_race_for_seats(self, who: str, *, retires: bool) -> None:
        """Several tasks are assigned at once, and somebody may leave meanwhile."""
        steps: list[Step] = [
            self._submits(self.new_task(), 0, assigned=True, merges=False)
            for _ in range(min(3, MOST_TASKS - len(self.tasks)))
        ]
        if retires and len(self.retiring | {who}) < len(AGENTS):
            self.retiring.add(who)
            steps.append(self._retires(who, "immediate"))
        self.run(together(steps))

    @rule(
        pick=PICK,
        other=PICK,
        verbs=st.lists(st.sampled_from([*VERBS, "checkpoint", "hand off"]), min_size=2, max_size=3),
    )
    def they_race(self, pick: int, other: int, verbs: list[str]) -> None:
        if self.known:
            picks = itertools.cycle([pick, other])
            self.run(together([self.racer(verb, next(picks)) for verb in verbs]))

    def racer(self, verb: str, pick: int) -> Step:
        """One of those who race."""
        held = self.known[pick % len(self.known)]
        if verb == "checkpoint":
            return self.checkpoint(held, max([0, *self.acknowledged.get(held[1], {})]), pick)
        if verb == "hand off":
            return self.agents[held[0]].hand_off(held[1])
        return self.deed(verb, held)

    def teardown(self) -> None:
        try:
            self.world.run(self._nothing_was_lost())
            self.world.run(prove(self.stage))
        finally:
            self.world.run(self.stage.__aexit__(None, None, None))

    async def _nothing_was_lost(self) -> None:
        """Every acknowledged checkpoint is there under its version and hash (I4)."""
        pointers = (await self.stage.evidence()).pointers
        found = {(pointer.task_id, pointer.version): pointer.hash for pointer in pointers}
        for task_id, versions in self.acknowledged.items():
            for version, hashed in versions.items():
                assert found.get((task_id, version)) == hashed, f"{task_id} lost {version}"


def accepted(answer: object) -> bool:
    """Whether the runtime did as it was told."""
    return not isinstance(answer, PhoenixError)


async def together(steps: Sequence[Step]) -> None:
    """Run ``steps`` at the same time; a refusal is an answer, anything else is a bug."""
    answers = await asyncio.gather(*map(refusal_or_answer, steps), return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException) and not isinstance(answer, PhoenixError):
            raise answer


async def refusal_or_answer(step: Step) -> object:
    """What the runtime said; what it calls its own fault is raised."""
    try:
        return await step
    except PhoenixError as refusal:
        if refusal.reason in AT_FAULT:
            raise
        return refusal

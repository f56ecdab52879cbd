"""The rules about participants, policy, humans and the background workers."""

from hypothesis import strategies as st
from hypothesis.stateful import (
    rule,
)

from assignment_svc.domain.states import RetirementMode
from assignment_svc.usecases.membership.retire_participant import RetirementRequest
from phoenix_runtime.core.standing import ParticipantStatus
from phoenix_runtime.core.verdict import DecisionPoint, Grants
from tests.integration.assignment.history import AGENT, AGENTS, PICK, History
from tests.support.fakes.assignment_peers import CAPABILITIES, DOMAINS, needs_human
from tests.support.fakes.policy import everything

GATED = (
    DecisionPoint.ASSIGN,
    DecisionPoint.COMPLETE,
    DecisionPoint.HANDOFF,
    DecisionPoint.OPERATE,
)


class Participants(History):
    """They join, fail, come back and retire; policy changes, humans decide, time passes."""

    # ---- participants

    @rule(
        who=AGENT,
        status=st.sampled_from(
            [
                ParticipantStatus.ACTIVE,
                ParticipantStatus.DEGRADED,
                ParticipantStatus.FAILED,
                ParticipantStatus.SUSPENDED,
            ]
        ),
    )
    def standing_moves(self, who: str, status: ParticipantStatus) -> None:
        if self.may_change(who):
            self.runtime.registry.change(who, status=status)

    @rule(who=AGENT, beats=st.booleans(), capacity=st.integers(1, 2))
    def comes_back(self, who: str, *, beats: bool, capacity: int) -> None:
        if self.may_change(who):
            status = ParticipantStatus.ACTIVE if beats else ParticipantStatus.REGISTERED
            self.runtime.registry.join(who, status=status, capacity=capacity)

    @rule(who=AGENT, whole=st.booleans())
    def grants_change(self, who: str, *, whole: bool) -> None:
        if self.may_change(who):
            capabilities = CAPABILITIES if whole else frozenset({"duplicate_detection"})
            self.runtime.registry.change(who, grants=Grants(capabilities, DOMAINS))

    @rule(who=AGENT, graceful=st.booleans(), pick=PICK)
    def retires(self, who: str, pick: int, *, graceful: bool) -> None:
        if len(self.retiring) == len(AGENTS) - 1 or pick % 3:
            return
        mode = RetirementMode.GRACEFUL if graceful else RetirementMode.IMMEDIATE
        self.retiring.add(who)
        self.run(self.runtime.handoffs.retire(self.runtime.operator, RetirementRequest(who, mode)))

    @rule(who=AGENT, back=st.integers(0, 1))
    def resumes(self, who: str, back: int) -> None:
        generation = self.runtime.registry.people[who].generation - back
        self.run(self.runtime.tasks.resume(self.runtime.agent(who), generation))

    # ---- policy and humans

    @rule(points=st.sets(st.sampled_from(GATED), max_size=2), strict=st.integers(0, 3))
    def rules_change(self, points: set[DecisionPoint], strict: int) -> None:
        """Mostly back to plain rules: where everything waits for humans, little happens."""
        gated = strict == 0 and points
        self.runtime.policy.answer = needs_human(*points) if gated else everything

    @rule(pick=PICK, yes=st.booleans())
    def a_human_decides(self, pick: int, *, yes: bool) -> None:
        approvals = self.runtime.approvals
        waiting = [key for key, answer in approvals.answers.items() if answer.state == "pending"]
        if waiting:
            approvals.decide(waiting[pick % len(waiting)], yes=yes)

    # ---- the background workers

    @rule(seconds=st.sampled_from([1, 4, 11, 31, 61, 200]))
    def time_passes(self, seconds: int) -> None:
        self.world.clock.advance(seconds)

    @rule(willing=st.booleans())
    def the_day_goes_on(self, *, willing: bool) -> None:
        """Runs the background workers; agents start what they get and take what is offered."""
        self.run(self.runtime.work(rounds=3))
        if not willing:
            return
        for offer in list(self.offers[-3:]):
            self.run(self.answer(offer, accepts=True))
        for who, task_id, epoch in list(self.epochs):
            if self.holds(who, task_id, epoch):
                self.run(self.runtime.tasks.start(self.runtime.agent(who), task_id, epoch))
                self.run(self.checkpoint(who, task_id, epoch, (0, 0)))

    @rule(who=AGENT)
    def somebody_dies_and_is_missed(self, who: str) -> None:
        if self.may_change(who):
            self.runtime.registry.change(who, status=ParticipantStatus.FAILED)
            self.run(self.runtime.reconcile(self.runtime.engine))
            self.run(self.runtime.work(rounds=3))

    @rule()
    def everybody_is_well_again(self) -> None:
        for who in AGENTS:
            if self.may_change(who):
                grants = Grants(CAPABILITIES, DOMAINS)
                self.runtime.registry.change(who, status=ParticipantStatus.ACTIVE, grants=grants)

    @rule()
    def the_registry_is_read(self) -> None:
        self.run(self.runtime.reconcile(self.runtime.engine))

    @rule()
    def what_waits_is_woken(self) -> None:
        self.run(self.runtime.wake_queue(self.runtime.engine))

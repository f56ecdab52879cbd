"""Approvals are read again together: how often the peers are asked does not grow with them."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from assignment_svc.domain.approval import (
    Approval,
    ApprovalAnswer,
    ApprovalSubject,
    assignment_subject,
)
from assignment_svc.domain.states import ApprovalState
from assignment_svc.usecases.steps.approval_requests import refreshed_approvals
from assignment_svc.usecases.steps.ports import Ports
from phoenix_runtime.core.clock import ManualClock
from phoenix_runtime.core.errors import NotFound
from tests.support.builders.calls import call_of
from tests.support.builders.membership import NOW, task
from tests.support.fakes.assignment_peers import (
    FakeAccessLog,
    FakeApprovals,
    FakeRegistry,
    ScriptedPolicy,
)

CALL = call_of("participant", tenant="t", participant="agent.a")
SUBJECT = assignment_subject(task(), "agent.a")
YES, NO, OPEN = ApprovalState.APPROVED, ApprovalState.REJECTED, ApprovalState.PENDING


class Peers:
    """Governance and the registry, where approvals were answered by a human each."""

    def __init__(self) -> None:
        self.approvals, self.access = FakeApprovals(), FakeAccessLog()
        self.registry = FakeRegistry(ManualClock(), ScriptedPolicy())
        self.registry.join("agent.a", credential="enrolment.a")

    def known(self, number: int, before: ApprovalState, now: ApprovalState) -> Approval:
        """A question that assignment remembers as ``before`` and governance as ``now``."""
        approval_id, human = f"approval.{number}", f"human.{number}"
        self.registry.join(human, type="human")
        decided_by = "" if now is OPEN else human
        answer = ApprovalAnswer(approval_id, now, SUBJECT.hash, decided_by=decided_by)
        self.approvals.answers[approval_id] = answer
        known = Approval(approval_id, "task.1", SUBJECT.action, SUBJECT.hash, before, NOW)
        return known if before is OPEN else replace(known, decided_by=human)

    async def read(
        self, known: list[Approval], subject: ApprovalSubject = SUBJECT
    ) -> list[Approval]:
        """What is known of them now."""
        return await refreshed_approvals(self.ports, CALL, known, subject)

    @property
    def ports(self) -> Ports:
        """What the step asks."""
        peers = SimpleNamespace(
            approvals=self.approvals, registry=self.registry, access=self.access
        )
        return cast("Ports", cast("Any", peers))


@pytest.mark.parametrize("times", [1, 8])
async def test_governance_and_the_registry_are_asked_once_each(times: int) -> None:
    peers = Peers()
    states = [(OPEN, OPEN), (OPEN, YES), (YES, YES), (NO, NO)]
    known = [peers.known(4 * n + i, *states[i]) for n in range(times) for i in range(4)]
    read = await peers.read(known)
    assert [one.state for one in read] == [now for _, now in states] * times
    assert [one.decider_type for one in read] == ["", "human", "human", "human"] * times
    (asked,) = peers.approvals.read_together
    assert len(asked) == 3 * times, "a no is final and is not read again"
    about_people, about_owner = peers.registry.asked
    assert (len(about_people), about_owner) == (3 * times + 1, ("data-governance",))


async def test_nobody_is_asked_where_nothing_was_asked_about_the_subject() -> None:
    peers = Peers()
    other = assignment_subject(task(), "agent.b")
    assert await peers.read([peers.known(1, OPEN, YES)], other) == []
    assert (peers.approvals.read_together, peers.registry.asked) == ([], [])


async def test_each_yes_of_the_workers_own_descent_is_unusable_and_audited() -> None:
    peers = Peers()
    known = [peers.known(n, YES, YES) for n in range(3)]
    for approval_id in ("approval.0", "approval.2"):
        peers.approvals.descend(approval_id, "enrolment.x", "enrolment.a")
    assert [one.usable for one in await peers.read(known)] == [False, True, False]
    assert [facts["approval_id"] for _, _, facts in peers.access.refusals] == [
        "approval.0",
        "approval.2",
    ]


@pytest.mark.parametrize(
    ("decided_by", "credentials"),
    [
        ("human.otto", ("enrolment.otto", "key")),
        ("human.puppet", ("enrolment.puppet", "root", "enrolment.otto")),
        ("human.minted", ("enrolment.otto",)),
        ("agent.a", ()),
    ],
    ids=["its owner", "whom the owner's credential enrolled", "one who holds it", "itself"],
)
async def test_a_yes_of_the_workers_owner_is_the_workers_own(
    decided_by: str, credentials: tuple[str, ...]
) -> None:
    """Nobody owned the former worker, for whom they decided as a third party."""
    peers = Peers()
    peers.registry.join("agent.a", credential="enrolment.a", owner="human.otto")
    peers.registry.join("human.otto", type="human", credential="enrolment.otto")
    known = [peers.known(n, YES, YES) for n in range(2)]
    known[0] = replace(known[0], decided_by=decided_by)
    answer = replace(peers.approvals.answers["approval.0"], decided_by=decided_by)
    peers.approvals.answers["approval.0"] = replace(answer, decider_credentials=credentials)
    assert [one.usable for one in await peers.read(known)] == [False, True]
    [(_, what, facts)] = peers.access.refusals
    assert (what, facts["decided_by"], facts["worker"]) == ("approval.use", decided_by, "agent.a")


async def test_a_question_that_governance_does_not_know_is_not_found() -> None:
    peers = Peers()
    known = peers.known(1, OPEN, OPEN)
    peers.approvals.answers.clear()
    with pytest.raises(NotFound):
        await peers.read([known])

"""Child tasks: governed like any other, and never without their parent."""

from __future__ import annotations

import pytest

from phoenix_dma.errors import AssignmentLost, PolicyDenied
from phoenix_dma.v1 import assignment_pb2, audit_pb2
from tests.e2e.scenarios.participant import Participant
from tests.e2e.scenarios.scenario import BACKUP, STEWARD, TASK, Scenario

POLICY_AGENT = "agent.policy.001"
OPINION = "task.opinion.1"


async def policy_agent(scenario: Scenario) -> Participant:
    return await scenario.participant(
        POLICY_AGENT, capabilities=["data_quality_check"], permissions=["read_customer_master"]
    )


def opinion(scenario: Scenario, epoch: int, **fields: object) -> assignment_pb2.TaskDeclaration:
    """What the steward asks the policy agent."""
    child = scenario.task(
        task_id=OPINION,
        objective="Say whether these candidates may be merged",
        required_capabilities=["data_quality_check"],
        input={"candidates": ["customer.1", "customer.2"]},
    )
    child.parent_task_id, child.parent_epoch = TASK, epoch
    for name, value in fields.items():
        setattr(child, name, value)
    return child


async def test_a_policy_agents_opinion_is_a_child_task_in_its_parents_lineage(
    scenario: Scenario,
) -> None:
    steward = await scenario.participant(STEWARD)
    adviser = await policy_agent(scenario)
    parent = await scenario.submit()
    epoch = (await steward.take(TASK)).task.epoch

    child = await steward.api.submit(opinion(scenario, epoch))

    assert child.correlation_id == parent.correlation_id
    assert child.message.parent_task_id == TASK
    asked = await adviser.take(OPINION)
    await adviser.complete(OPINION, asked.task.epoch, {"allowed": True})
    ended = await scenario.task_in(OPINION, "succeeded")
    await steward.checkpoint(TASK, epoch, 0, {"decisions": [{"opinion": ended.result}]})
    await steward.complete(TASK, epoch, {"merged": 1})

    # The ledger is a moment behind.
    await scenario.in_ledger("TASK_SUCCEEDED", TASK)
    lineage = await (await scenario.operator()).lineage(TASK)
    told = [(event.task, event.type) for event in lineage]
    assert told.index((TASK, "TASK_STARTED")) < told.index((OPINION, "TASK_SUBMITTED"))
    assert told.index((OPINION, "TASK_SUCCEEDED")) < told.index((TASK, "TASK_SUCCEEDED"))
    assert {event.correlation_id for event in lineage if event.task} == {parent.correlation_id}


async def test_open_children_end_with_their_parent_unless_they_are_detached(
    scenario: Scenario,
) -> None:
    steward = await scenario.participant(STEWARD)
    await scenario.submit()
    epoch = (await steward.take(TASK)).task.epoch
    await steward.api.submit(opinion(scenario, epoch))
    await steward.api.submit(opinion(scenario, epoch, task_id="task.opinion.2", detached=True))

    await steward.complete(TASK, epoch, {"merged": 0})

    cancelled = await scenario.task_in(OPINION, "cancelled")
    assert cancelled.reason == "parent_ended"
    adviser = await policy_agent(scenario)
    await adviser.take("task.opinion.2")


async def test_a_handoff_of_the_parent_leaves_its_children_alone(scenario: Scenario) -> None:
    steward = await scenario.participant(STEWARD)
    adviser = await policy_agent(scenario)
    await scenario.submit()
    epoch = (await steward.take(TASK)).task.epoch
    await steward.api.submit(opinion(scenario, epoch))
    asked = await adviser.take(OPINION)
    backup = await scenario.participant(BACKUP)
    await (await scenario.operator()).hand_off(TASK)
    taken = await backup.take_over(TASK)

    assert list(taken.briefing.open_children) == [OPINION]
    await adviser.complete(OPINION, asked.task.epoch, {"allowed": True})


async def test_a_zombie_has_no_children(scenario: Scenario) -> None:
    steward = await scenario.participant(STEWARD)
    await scenario.submit()
    epoch = (await steward.take(TASK)).task.epoch
    backup = await scenario.participant(BACKUP)
    await (await scenario.operator()).hand_off(TASK)
    await backup.take_over(TASK)

    with pytest.raises(AssignmentLost):
        await steward.api.submit(opinion(scenario, epoch))

    operator = await scenario.operator()
    request = assignment_pb2.ListTasksRequest(parent_task_id=TASK)
    answer = await operator.ask(operator.stubs.assignment.ListTasks, request)
    assert not answer.tasks


async def test_a_child_may_not_do_what_its_parent_may_not(scenario: Scenario) -> None:
    steward = await scenario.participant(STEWARD)
    await scenario.submit(policy_constraints=["human_approval_required_for_merge"])
    epoch = (await steward.take(TASK)).task.epoch
    with pytest.raises(PolicyDenied):  # without the human
        await steward.api.submit(opinion(scenario, epoch))
    wider = opinion(scenario, epoch)
    wider.policy_constraints.append("human_approval_required_for_merge")
    wider.data_domains.append("supplier")
    with pytest.raises(PolicyDenied):
        await steward.api.submit(wider)
    denied = await scenario.events("SUBMISSION_DENIED")
    assert len(denied) == 2
    assert all(event.detail["remediation"] for event in denied)


async def test_an_assignee_reads_the_lineage_of_its_own_task_alone(scenario: Scenario) -> None:
    steward = await scenario.participant(STEWARD)
    await scenario.submit()
    epoch = (await steward.take(TASK)).task.epoch
    await scenario.in_ledger("TASK_STARTED", TASK)
    assert await steward.api.lineage(TASK)
    other = await scenario.participant(BACKUP)
    with pytest.raises(PolicyDenied):
        await other.api.ask(
            other.api.stubs.audit.GetLineage, audit_pb2.GetLineageRequest(task_id=TASK)
        )
    await steward.complete(TASK, epoch, {"merged": 0})

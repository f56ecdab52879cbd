"""A steward dies in the middle of its work, and somebody else goes on where it was."""

from __future__ import annotations

import asyncio

from tests.e2e.scenarios.agents import Agent
from tests.e2e.scenarios.scenario import BACKUP, STEWARD, TASK, Scenario

STORY = [
    "TASK_SUBMITTED",
    "ASSIGNMENT_CREATED",
    "TASK_STARTED",
    "CONTEXT_CHECKPOINTED",
    "CONTEXT_CHECKPOINTED",
    "HANDOFF_INITIATED",
    "TASK_MIGRATING",
    "HANDOFF_OFFERED",
    "HANDOFF_COMPLETED",
    "CONTEXT_CHECKPOINTED",
    "CONTEXT_CHECKPOINTED",
    "TASK_SUCCEEDED",
]

FLEET = tuple(f"agent.steward-{number}" for number in range(5))
POISON = "task.poison"


async def test_the_backup_of_a_killed_steward_goes_on_from_its_checkpoint_and_the_zombie_is_refused(
    scenario: Scenario,
) -> None:
    steward = await scenario.agent(STEWARD, hold_at=3)
    await steward.says("registered")
    await scenario.standing(STEWARD, "active")
    await scenario.submit(input={"batches": [1, 2, 3, 4]})
    began = await steward.says("began")
    await steward.says("checkpointed", batch=2)
    backup = await scenario.agent(BACKUP)
    await backup.says("registered")

    await steward.says("working", batch=3)
    steward.kill_9()

    await goes_on(backup, after=began["epoch"])
    assert (await scenario.task_in(TASK, "succeeded")).result == {"done": [1, 2, 3, 4]}
    old = {"task": TASK, "epoch": began["epoch"], "version": 2}
    zombie = await scenario.agent(STEWARD, zombie=old)
    for _ in range(3):
        tried = await zombie.says("tried")
        assert tried["answer"] == "STALE_ASSIGNMENT", tried
    await moved_once(scenario)


async def goes_on(backup: Agent, *, after: int) -> None:
    """The backup takes over under a higher epoch, and does what was not checkpointed."""
    took_over = await backup.says("began")
    assert took_over["done"] == [1, 2], "what was checkpointed is not done again"
    assert took_over["version"] == 2
    assert took_over["epoch"] > after
    await backup.says("finished")
    worked = [heard["batch"] for heard in backup.said if heard["said"] == "working"]
    assert worked == [3, 4]


async def moved_once(scenario: Scenario) -> None:
    """The audit has the whole story of the task, and why it moved."""
    assert await scenario.standing(STEWARD, "failed")
    (lost,) = await scenario.events("PARTICIPANT_FAILED")
    assert (lost.participant, lost.reason_code) == (STEWARD, "participant_failed")
    assert await scenario.story(TASK) == STORY
    (moved,) = await scenario.events("HANDOFF_COMPLETED")
    assert (moved.detail["source"], moved.detail["target"]) == (STEWARD, BACKUP)
    assert moved.detail["reason"] == "participant_failed"
    assert (moved.previous_state, moved.new_state) == ("migrating", "active")


async def test_a_steward_that_hangs_past_its_lease_learns_that_its_task_is_gone(
    scenario: Scenario,
) -> None:
    steward = await scenario.agent(STEWARD, hold_at=2)
    await steward.says("registered")
    await scenario.submit(input={"batches": [1, 2]})
    await steward.says("working", batch=2)
    backup = await scenario.participant(BACKUP)

    steward.stop()
    taken = await backup.take_over(TASK)
    steward.go_on()

    await steward.says("cancelled")
    assert taken.handoff.reason == "participant_failed"
    await backup.complete(TASK, taken.briefing.task.epoch, {"done": [1, 2]})
    assert (await scenario.task_in(TASK, "succeeded")).participant == ""


async def test_a_task_that_kills_its_agents_fails_after_three_and_the_others_work_on(
    scenario: Scenario,
) -> None:
    agents = await asyncio.gather(*(scenario.agent(name, dies_at="poison") for name in FLEET))
    await asyncio.gather(*(agent.says("registered") for agent in agents))
    await asyncio.gather(*(scenario.standing(name, "active") for name in FLEET))

    await scenario.submit(task_id=POISON, input={"batches": ["poison"]}, max_losses=3)

    ended = await scenario.task_in(POISON, "failed", "succeeded")
    assert (ended.status, ended.reason, ended.losses) == ("failed", "owners_lost", 3)
    taken = ended.lost_owners
    assert len(taken) == 3
    event = await scenario.event("TASK_FAILED", task=POISON)
    assert event.detail["lost_owners"] == list(taken)
    spared = set(FLEET) - set(taken)
    for name in taken:
        assert await agents[FLEET.index(name)].ended() < 0
    await scenario.submit(task_id="task.good", input={"batches": [1, 2]})
    done = await scenario.task_in("task.good", "failed", "succeeded")
    assert done.result == {"done": [1, 2]}
    succeeded = await scenario.event("TASK_SUCCEEDED", task="task.good")
    assert succeeded.participant in spared
    for name in spared:
        assert await scenario.standing(name, "active") == "active"

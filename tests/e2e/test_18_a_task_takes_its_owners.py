"""A task whose handler kills its process takes three agents of five, and no more."""

from __future__ import annotations

import asyncio

from tests.e2e.scenarios.scenario import Scenario

FLEET = tuple(f"agent.steward-{number}" for number in range(5))
POISON = "task.poison"


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

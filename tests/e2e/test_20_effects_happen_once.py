"""Whatever point an agent is killed at, what it does outside happens once (I17)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from phoenix_dma.v1 import approval_pb2
from tests.e2e.scenarios.humans import human, waiting
from tests.e2e.scenarios.participant import Participant
from tests.e2e.scenarios.paying import POINTS
from tests.e2e.scenarios.scenario import BACKUP, STEWARD, TASK, Scenario

MERGE = ["human_approval_required_for_merge"]
ONCE = ["EFFECT_BEGUN", "EFFECT_RECORDED"]
TOLD = {"before doing": [*ONCE, *ONCE]}
"""What the audit says: whoever goes on after that point looks, finds nothing, and begins again."""


@pytest.mark.parametrize("point", POINTS)
async def test_an_agent_that_is_killed_has_done_it_once_with_whoever_goes_on(
    scenario: Scenario, tmp_path: Path, point: str
) -> None:
    outside = tmp_path / "outside"
    paying: dict[str, Any] = {"file": str(outside)}
    steward = await scenario.agent(STEWARD, pays={**paying, "dies": point})
    await steward.says("registered")
    await scenario.standing(STEWARD, "active")
    await scenario.submit()
    assert await steward.ended() < 0

    backup = await scenario.agent(BACKUP, pays=paying)
    told = await backup.says("asking")
    assert len(told["unknown"]) == (point in {"before doing", "after doing"})
    await succeeds_once(scenario, outside)
    story = [kind for kind in await scenario.story(TASK) if kind.startswith("EFFECT_")]
    assert story == TOLD.get(point, ONCE)


async def test_what_a_human_allowed_while_its_asker_was_dead_happens_once(
    scenario: Scenario, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    paying: dict[str, Any] = {"file": str(outside), "human": True}
    decider = await human(scenario)
    steward = await scenario.agent(STEWARD, pays=paying)
    await steward.says("registered")
    await scenario.standing(STEWARD, "active")
    await scenario.submit(policy_constraints=MERGE)
    question = await waiting(scenario)
    steward.kill_9()
    await decider.api.decide(question.approval_id, approve=True, comment="these two are one")
    assert not outside.exists()

    backup = await scenario.agent(BACKUP, pays=paying)
    assert (await backup.says("asking"))["unknown"] == []
    await succeeds_once(scenario, outside)


@pytest.mark.parametrize("point", ["before doing", "after doing"])
async def test_what_a_human_allowed_and_an_owner_began_is_looked_after_before_anybody_is_asked(
    scenario: Scenario, tmp_path: Path, point: str
) -> None:
    outside, decider = tmp_path / "outside", await human(scenario)
    paying: dict[str, Any] = {"file": str(outside), "human": True}
    await begun_and_lost(scenario, decider, {**paying, "dies": point})

    backup = await scenario.agent(BACKUP, pays=paying)
    (unknown,) = (await backup.says("asking"))["unknown"]
    await succeeds_once(scenario, outside)
    assert written(outside) == [unknown]
    assert len(await scenario.events("APPROVAL_REQUESTED")) == 1, "the first yes was for one time"


async def test_who_cannot_look_has_a_human_asked_about_the_repetition(
    scenario: Scenario, tmp_path: Path
) -> None:
    outside, decider = tmp_path / "outside", await human(scenario)
    paying: dict[str, Any] = {"file": str(outside), "human": True, "blind": True}
    first = await begun_and_lost(scenario, decider, {**paying, "dies": "before doing"})

    backup = await scenario.agent(BACKUP, pays=paying)
    await backup.says("asking")
    again = await waiting(scenario)
    assert again.subject_hash != first.subject_hash, "a repetition is another content"
    assert again.subject["begun_by"] == STEWARD
    assert not outside.exists()
    await decider.api.decide(again.approval_id, approve=True, comment="nothing was merged")
    await succeeds_once(scenario, outside)


async def begun_and_lost(
    scenario: Scenario, decider: Participant, paying: dict[str, Any]
) -> approval_pb2.Approval:
    """A steward is allowed to by a human, and dies of it; answers what was approved."""
    steward = await scenario.agent(STEWARD, pays=paying)
    await steward.says("registered")
    await scenario.standing(STEWARD, "active")
    await scenario.submit(policy_constraints=MERGE)
    asked = await waiting(scenario)
    await decider.api.decide(asked.approval_id, approve=True, comment="these two are one")
    assert await steward.ended() < 0
    return asked


def written(outside: Path) -> list[str]:
    return outside.read_text().split()


async def succeeds_once(scenario: Scenario, outside: Path) -> None:
    """The task ends with what was done, and it was done once."""
    done = (await scenario.task_in(TASK, "succeeded")).result
    (key,) = written(outside)
    assert done == {"paid": key}

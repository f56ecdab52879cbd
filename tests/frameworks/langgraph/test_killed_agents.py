"""Graphs of agents that are killed with SIGKILL: another process goes on from the checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from phoenix_dma.testing import Phoenix
from phoenix_dma.v1 import registry_pb2
from tests.frameworks.agent_process import AgentProcess
from tests.frameworks.langgraph.work import ASKS_A_HUMAN, NEED
from tests.support.waiting.until import wait_until
from tests.support.waiting.whole_story import whole_story

SCRIPT = Path(__file__).parent / "graph_agent.py"


def start(phoenix: Phoenix, agent: str, effects: Path, **options: Any) -> AgentProcess:
    return AgentProcess(phoenix, SCRIPT, agent, effects=str(effects), **options)


def registered(phoenix: Phoenix, agent: str) -> registry_pb2.Participant:
    return phoenix.client.get_participant(agent)


def beats_on(phoenix: Phoenix, agent: str) -> None:
    """Wait until another beat of the agent has come in."""
    before = registered(phoenix, agent).last_heartbeat.ToNanoseconds()
    wait_until(lambda: registered(phoenix, agent).last_heartbeat.ToNanoseconds() > before)


def test_a_graph_that_is_killed_in_the_middle_of_a_node_is_resumed_before_that_node(
    phoenix: Phoenix, tmp_path: Path
) -> None:
    effects = tmp_path / "effects"
    with start(phoenix, "agent.first", effects, hold_in="ask") as first:
        task = phoenix.submit(**NEED)
        first.says("in ask")
        assert registered(phoenix, "agent.first").status == registry_pb2.PARTICIPANT_STATUS_ACTIVE
        beats_on(phoenix, "agent.first")
    with start(phoenix, "agent.second", effects) as second:
        phoenix.expire("agent.first")
        second.says("began at version")
        result = phoenix.wait_for(task).result
    assert result is not None
    assert result["merged"] == "agent.second"
    assert effects.read_text().splitlines() == ["collect agent.first", "merge agent.second"]
    phoenix.assert_lineage(
        task,
        [..., "HANDOFF_COMPLETED", ..., ("TASK_SUCCEEDED", "agent.second")],
    )


@pytest.mark.parametrize("asks", ["approve", "interrupt"])
def test_what_a_human_allowed_is_done_once_though_its_asker_was_killed(
    phoenix: Phoenix, tmp_path: Path, asks: str
) -> None:
    effects = tmp_path / "effects"
    with start(phoenix, "agent.first", effects, asks=asks) as first:
        task = phoenix.submit(**ASKS_A_HUMAN)
        first.says("in ask")
        phoenix.wait_for_event(task, "APPROVAL_REQUESTED")
        first.kill_9()
    with start(phoenix, "agent.second", effects, asks=asks) as second:
        phoenix.approve(task, comment="looked at both")
        phoenix.expire("agent.first")
        second.says("began at version")
        result = phoenix.wait_for(task).result
    assert result is not None
    assert result["merged"] == "agent.second"
    assert result["answer"]["key"]
    if asks == "interrupt":
        assert result["answer"]["comment"] == "looked at both"
        assert result["answer"]["decided_by"] == "human.reviewer"
    assert effects.read_text().splitlines() == ["collect agent.first", "merge agent.second"]
    asked = [one for one in whole_story(phoenix, task.id) if one.type == "APPROVAL_REQUESTED"]
    assert len(asked) == 1, "the second one asks the same question"


@pytest.mark.parametrize(("dies", "by"), [("before", "agent.second"), ("after", "agent.first")])
def test_a_node_that_is_killed_at_its_effect_has_it_once(
    phoenix: Phoenix, tmp_path: Path, dies: str, by: str
) -> None:
    effects = tmp_path / "effects"
    with start(phoenix, "agent.first", effects, once=dies) as first:
        task = phoenix.submit(**NEED)
        first.says("in ask")
        phoenix.wait_for_event(task, "EFFECT_BEGUN")
        first.ended()
    with start(phoenix, "agent.second", effects, once="") as second:
        phoenix.expire("agent.first")
        second.says("began at version")
        result = phoenix.wait_for(task).result
    assert result is not None
    assert result["merged"] == by
    merged = [one for one in effects.read_text().splitlines() if one.startswith("merge ")]
    assert len(merged) == 1
    assert merged[0].endswith(by)

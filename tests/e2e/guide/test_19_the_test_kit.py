"""The test kit does what it says, for the repository's own examples and for the blocks of its docs.

Everything here runs in the kit's own runtime, as in a project that uses it.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from examples.figure3.validators import validate_customer_candidates
from examples.stewardship import steward as stewardship
from examples.stewardship.policy_agent import handle as judge
from phoenix_dma import load_context
from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.errors import AssignmentLost, NotPermitted, PhoenixError, PolicyDenied
from phoenix_dma.task import Task
from phoenix_dma.testing import Phoenix, SharedRuntime
from phoenix_dma.v1 import registry_pb2

ROOT = Path(__file__).parents[3]
WORK: dict[str, Any] = {
    "owner": "data-governance",
    "capabilities": ["customer_validation"],
    "data_domains": ["customer_master"],
    "permissions": ["read_customer_master", "suggest_merge", "merge_customer_master"],
}
NEED: dict[str, Any] = {
    "required_capabilities": ["customer_validation"],
    "data_domains": ["customer_master"],
}
MERGE: dict[str, Any] = {**NEED, "policy_constraints": ["human_approval_required_for_merge"]}
STORY = [
    "TASK_SUBMITTED",
    ("ASSIGNMENT_CREATED", "agent.first"),
    "TASK_STARTED",
    "CONTEXT_CHECKPOINTED",
    ...,
    ("HANDOFF_COMPLETED", "agent.second"),
    "TASK_SUCCEEDED",
]
LONG = 120.0


def test_a_killed_agent_falls_silent_and_the_next_one_goes_on(phoenix: Phoenix) -> None:
    after: list[str] = []
    over = threading.Event()

    @phoenix.participant(**WORK)
    def first(task: Task) -> None:
        task.checkpoint({"seen": 3})
        phoenix.kill(first)
        try:
            task.checkpoint({"seen": 4})
        except AssignmentLost:
            after.append("refused")
        over.set()

    task = phoenix.submit(**NEED)
    phoenix.wait_for_event(task, "CONTEXT_CHECKPOINTED")
    assert over.wait(LONG)
    assert after == ["refused"], "nothing is written by whoever is dead"
    status = phoenix.client.get_participant("agent.first").status
    assert status != registry_pb2.PARTICIPANT_STATUS_FAILED, "it said no Goodbye"

    @phoenix.participant(**WORK)
    async def second(task: AsyncTask) -> dict[str, int]:
        return {"seen": (await task.context()).outputs["seen"]}

    phoenix.expire(first)
    assert phoenix.wait_for(task).result == {"seen": 3}
    phoenix.assert_lineage(task, STORY)
    with pytest.raises(AssertionError, match=r"- TASK_CANCELLED\n\+ TASK_SUCCEEDED  agent.second"):
        phoenix.assert_lineage(task, [..., "HANDOFF_COMPLETED", "TASK_CANCELLED"], timeout=0)


def test_an_agent_whose_lease_is_ended_is_told_and_comes_back(phoenix: Phoenix) -> None:
    ends: list[str] = []
    began, ended = threading.Event(), threading.Event()

    @phoenix.participant(**WORK)
    def alone(task: Task) -> dict[str, int]:
        began.set()
        if task.epoch > 1 or ends:
            return {"seen": 1}
        ends.append("lost" if task.aio.lease.ended.wait(LONG) else "kept")
        ended.set()
        return {"seen": 0}

    task = phoenix.submit(**NEED)
    assert began.wait(LONG)
    phoenix.expire(alone)
    assert ended.wait(LONG)
    assert ends == ["lost"]
    assert phoenix.wait_for(task).result == {"seen": 1}
    assert phoenix.client.get_participant("agent.alone").generation > 1
    assert phoenix.wait_for_event(task, "TASK_SUCCEEDED").participant == "agent.alone"


def test_people_other_than_who_asked_say_no_and_yes(phoenix: Phoenix) -> None:
    @phoenix.participant(**WORK)
    def merger(task: Task) -> dict[str, Any]:
        try:
            task.authorize("final_action", "merge", domain="customer_master", subject={"into": 1})
        except PolicyDenied:
            task.authorize("final_action", "merge", domain="customer_master", subject={"into": 2})
        return {"merged": 2}

    task = phoenix.submit(**MERGE)
    with pytest.raises(PhoenixError) as refused:
        phoenix.approve(task, by="human.operator")  # who submitted it
    assert refused.value.reason in {NotPermitted.reason, PolicyDenied.reason}
    with pytest.raises(NotPermitted):
        phoenix.approve(task, by="agent.merger")
    assert phoenix.reject(task, comment="customer.1 is somebody else").comment
    phoenix.wait_for_event(task, "APPROVAL_DECIDED")
    assert phoenix.approve(task, by="human.other").decided_by == "human.other"
    assert phoenix.wait_for(task).result == {"merged": 2}
    phoenix.assert_lineage(
        task, [..., "APPROVAL_REQUESTED", ..., "APPROVAL_DECIDED", ..., "TASK_SUCCEEDED"]
    )


def test_nobody_of_another_test_is_here_and_policy_is_the_shipped_one(phoenix: Phoenix) -> None:
    assert phoenix.client.list_participants() == []
    with pytest.raises(TimeoutError, match=r"has no TASK_SUBMITED; did you mean 'TASK_SUBMITTED'"):
        phoenix.wait_for_event(phoenix.submit(**NEED), "TASK_SUBMITED", timeout=0.5)
    agent = phoenix.join("agent.ambitious", capabilities=["nonsense"])
    assert list(phoenix.client.get_participant(agent.id).capabilities) == []


# The examples ------------------------------------------------------------------------------------


@pytest.fixture
def figure3(phoenix: Phoenix, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The names of Figure 3, executed as it is printed, as a participant of its own."""
    profile = phoenix.enrol_participant("agent.customer-steward.001", owner="data-governance")
    monkeypatch.setenv("PHOENIX_DMA_PROFILE", str(profile))
    names: dict[str, Any] = {
        "load_context": load_context,
        "validate_customer_candidates": validate_customer_candidates,
    }
    code = compile((ROOT / "examples/figure3/figure3.py").read_text(), "figure3.py", "exec")
    # Not in the main thread, whose signals a script with handlers takes.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(exec, code, names).result()
    yield names
    names["client"].close()


def test_the_handler_of_figure_3_validates_and_checkpoints(
    phoenix: Phoenix, figure3: dict[str, Any]
) -> None:
    task = phoenix.submit(**json.loads((ROOT / "examples/figure3/task.json").read_text()))
    result = phoenix.wait_for(task).result
    assert result is not None
    assert result["duplicates"] == 1
    phoenix.assert_lineage(
        task,
        [
            "TASK_SUBMITTED",
            ("ASSIGNMENT_CREATED", "agent.customer-steward.001"),
            "TASK_STARTED",
            "CONTEXT_CHECKPOINTED",
            "TASK_SUCCEEDED",
        ],
    )
    assert figure3["client"].aio.participant.participant_id == "agent.customer-steward.001"


def finding(left: int, right: int, score: float, *agree: str) -> dict[str, Any]:
    return {"left": f"c-{left}", "right": f"c-{right}", "score": score, "agree": list(agree)}


FINDINGS = [
    finding(1, 2, 0.9, "date_of_birth"),
    finding(2, 3, 0.7, "soc_sec_id"),
    finding(4, 5, 0.58, "date_of_birth"),
]


def test_the_policy_agent_of_the_stewardship_example_finds_what_speaks_against(
    phoenix: Phoenix,
) -> None:
    fields = {**WORK, "capabilities": ["policy_check"], "owner": "risk-office"}
    phoenix.join("agent.merge-policy.001", judge, **fields)
    need = {**NEED, "required_capabilities": ["policy_check"]}
    result = phoenix.wait_for(phoenix.submit(**need, input={"findings": FINDINGS})).result
    assert result is not None
    assert result["checked"] == 3
    (breach,) = result["breaches"]
    assert (breach["left"], breach["right"], breach["rule"]) == ("c-2", "c-3", "merged_once")


def test_the_stewards_proposal_survives_its_death_and_is_revised_after_a_no(
    phoenix: Phoenix, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stewardship, "people", dict)  # no records are read here
    steward = stewardship.Steward("agent.steward", tmp_path, hold_in=0)

    @phoenix.participant(**WORK)
    def dies(task: Task) -> None:
        progress = stewardship.Progress.of(task.context())
        progress.findings = [stewardship.finding_of(one) for one in FINDINGS]
        steward._propose(task, progress)
        phoenix.kill(dies)

    task = phoenix.submit(**MERGE)
    phoenix.wait_for_event(task, "APPROVAL_REQUESTED")
    phoenix.wait_for_event(task, "CONTEXT_CHECKPOINTED")

    @phoenix.participant(**WORK)
    def goes_on(task: Task) -> dict[str, Any]:
        progress = stewardship.Progress.of(task.context())
        chosen, _ = steward._ask_human(task, progress)
        return {"pairs": len(chosen["pairs"]), "asked": progress.decisions}

    phoenix.expire(dies)
    phoenix.reject(task, comment="not the last pair")
    phoenix.wait_for_event(task, "APPROVAL_DECIDED")
    phoenix.approve(task)
    result = phoenix.wait_for(task).result
    assert result is not None
    assert result["pairs"] == 2
    assert [one["kind"] for one in result["asked"]] == ["proposed", "human_refused"]


# The docs ----------------------------------------------------------------------------------------


def shown_in(page: str) -> list[Any]:
    """The Python blocks of a page that hold tests."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    found = [block for block in blocks if "def test_" in block]
    assert found, f"{page} shows no test"
    return [pytest.param(block, id=f"{page}-{n}") for n, block in enumerate(found)]


@pytest.mark.parametrize("block", [*shown_in("README.md"), *shown_in("docs/sdk.md")])
def test_the_tests_that_the_docs_show_pass(phoenix_dma_runtime: SharedRuntime, block: str) -> None:
    names: dict[str, Any] = {}
    exec(compile(block, "block", "exec"), names)  # noqa: S102  # what the page shows
    shown = [made for name, made in names.items() if name.startswith("test_")]
    assert names["pytest_plugins"] == ["phoenix_dma.testing"]
    for one in shown:
        with Phoenix(phoenix_dma_runtime) as kit:
            one(kit)

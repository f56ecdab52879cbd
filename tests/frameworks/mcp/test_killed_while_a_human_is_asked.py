"""What a human allowed happens once, whoever died between the question and the call."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from phoenix_dma.testing import Phoenix
from tests.frameworks.mcp import merging_agent
from tests.frameworks.mcp.records_server import lines
from tests.support.processes.programs import plain_environment
from tests.support.waiting.whole_story import whole_story

MERGE: dict[str, Any] = {
    "required_capabilities": ["customer_validation"],
    "data_domains": ["customer_master"],
    "policy_constraints": ["human_approval_required_for_merge"],
}
FIRST, SECOND = "agent.first", "agent.second"


@contextmanager
def running(phoenix: Phoenix, identity: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The agent as a process in a group of its own, which is killed with its tool's server."""
    profile = phoenix.enrol_participant(identity, owner="data-governance")
    process = subprocess.Popen(
        [sys.executable, merging_agent.__file__, identity, str(folder)],
        env={**plain_environment(), "PHOENIX_DMA_PROFILE": str(profile)},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_the_next_owner_makes_the_approved_call_once(phoenix: Phoenix, tmp_path: Path) -> None:
    task = phoenix.submit(**MERGE)
    with running(phoenix, FIRST, tmp_path) as first:
        phoenix.wait_for_event(task, "APPROVAL_REQUESTED")
        assert phoenix.client.get_task(task.id).participant == FIRST
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        phoenix.approve(task)
        with running(phoenix, SECOND, tmp_path):
            phoenix.expire(FIRST)
            phoenix.wait_for_event(task, "HANDOFF_COMPLETED")
            assert phoenix.wait_for(task).result == {"merged": 7}
    done = lines(tmp_path / "done")
    given = [one for one in whole_story(phoenix, task.id) if one.type == "ACTION_AUTHORIZED"]
    assert [one["into"] for one in done] == [7]
    assert [one.participant for one in given] == [SECOND]
    assert done[0]["by"] == dict(given[0].detail)["authorization_id"]

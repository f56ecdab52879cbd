"""PostgreSQL is killed, or its disk is full: refused, and nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode
from grpc.aio import AioRpcError

from phoenix_dma.aio.rpc.transport import bearer
from phoenix_dma.errors import PhoenixError
from phoenix_dma.v1 import approval_pb2, assignment_pb2, registry_pb2, state_pb2
from phoenix_dma.wire.status_details import DETAILS_KEY
from tests.e2e.scenarios.intervals import ATTEMPT, INTERVALS, PATIENCE
from tests.e2e.scenarios.scenario import Scenario
from tests.robustness.forms import long_form
from tests.robustness.workload import Workload, at_work
from tests.support.processes.breakable_runtime import BreakableRuntime, breakable_runtime
from tests.support.servers.http import http_client
from tests.support.waiting.until import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

AWAY_SECONDS: Final = 3.0
"""How long it stays away once callers have been refused."""
DISK: Final = "256m"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def runtime() -> AsyncIterator[BreakableRuntime]:
    async with breakable_runtime(INTERVALS) as runtime:
        yield runtime


async def refusals(scenario: Scenario) -> list[AioRpcError]:
    """How one call of each service with a database is refused, as it comes over the wire."""
    transport = await scenario.transport()
    token = await (await scenario.operator())._credential.token()
    stubs: Any = transport.stubs
    task = scenario.task(task_id="task.refused")
    asked = (
        (stubs.assignment.SubmitTask, assignment_pb2.SubmitTaskRequest(task=task)),
        (stubs.registry.ListParticipants, registry_pb2.ListParticipantsRequest()),
        (stubs.state.ListCheckpoints, state_pb2.ListCheckpointsRequest(task_id="task.001")),
        (stubs.approvals.ListApprovals, approval_pb2.ListApprovalsRequest()),
    )
    found = []
    for method, request in asked:
        try:
            await method(request, metadata=bearer(token), timeout=ATTEMPT)
        except AioRpcError as error:
            found.append(error)
    return found


def retry_info(error: AioRpcError) -> error_details_pb2.RetryInfo | None:
    """The RetryInfo of the status, if any."""
    metadata: Any = error.trailing_metadata() or ()
    for key, value in metadata:
        if key == DETAILS_KEY:
            for detail in status_pb2.Status.FromString(value).details:
                info = error_details_pb2.RetryInfo()
                if detail.Unpack(info):
                    return info
    return None


async def require_refusals(scenario: Scenario) -> None:
    """Calls are refused as UNAVAILABLE with a time to retry: four over gRPC, one over REST."""
    found = await refusals(scenario)
    assert len(found) == 4, found
    for error in found:
        assert error.code() is StatusCode.UNAVAILABLE, error
        info = retry_info(error)
        assert info is not None, error
        assert info.retry_delay.ToTimedelta().total_seconds() > 0
    token = await (await scenario.operator())._credential.token()
    async with http_client(timeout=ATTEMPT) as client:
        answer = await client.get(
            f"{scenario.profile.rest}/participants/discover",
            params={"required_capabilities": "duplicate_detection"},
            headers={"authorization": f"Bearer {token}"},
        )
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize("kills", [1, *long_form(3)])
async def test_a_killed_postgres_is_unavailable_and_everything_goes_on_by_itself(
    runtime: BreakableRuntime, tmp_path: Path, kills: int
) -> None:
    async with at_work(runtime, tmp_path) as workload:
        for _ in range(kills):
            await runtime.kill("postgres")
            await require_refusals(workload.scenario)
            await asyncio.sleep(AWAY_SECONDS)
            await runtime.revive("postgres")
            await workload.works_on()
        assert not await workload.scenario.events("PARTICIPANT_FAILED")


@pytest.mark.long
async def test_a_postgres_that_is_killed_at_the_busiest_moment_keeps_what_was_acknowledged(
    runtime: BreakableRuntime, tmp_path: Path
) -> None:
    async with at_work(runtime, tmp_path) as workload:
        api = await workload.scenario.operator()
        acknowledged: list[str] = []

        async def submit(task_id: str) -> None:
            task = workload.scenario.task(
                task_id=task_id, required_capabilities=["product_validation"]
            )
            await api.submit(task, request_id=f"submit.{task_id}")
            acknowledged.append(task_id)

        submitting = [asyncio.create_task(submit(f"task.busy.{n}")) for n in range(60)]
        await until(_some(acknowledged, 5), PATIENCE)
        await runtime.restart("postgres")
        outcome = await asyncio.gather(*submitting, return_exceptions=True)
        assert all(isinstance(one, PhoenixError) for one in outcome if one is not None), outcome
        kept = {task.task_id for task in (await workload.scenario.evidence()).tasks}
        assert set(acknowledged) <= kept
        await workload.works_on()


def _some(found: list[str], least: int) -> Any:
    async def enough() -> bool:
        return len(found) >= least

    return enough


# A full disk -------------------------------------------------------------------------------------


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Move the folder to a small disk of its own; needs root and mount."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("a disk of one's own needs root on Linux")
    content = folder.with_name("postgres.content")
    shutil.move(folder, content)
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)]
    tried = subprocess.run(mount, capture_output=True, text=True, check=False)
    if tried.returncode:
        shutil.rmtree(folder)
        shutil.move(content, folder)
        pytest.skip(f"a disk of one's own cannot be mounted here: {tried.stderr.strip()}")
    try:
        subprocess.run(["cp", "-a", f"{content}/.", str(folder)], check=True)
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
        shutil.rmtree(content)


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """Fill the folder's disk up."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        block = bytes(1 << 16)
        try:
            while True:
                file.write(block)
        except OSError:
            block = bytes(1 << 9)
        try:
            while True:
                file.write(block)
        except OSError:
            pass
    try:
        yield
    finally:
        ballast.unlink()


async def test_a_full_disk_refuses_rolls_back_and_recovers_when_there_is_space_again(
    tmp_path: Path,
) -> None:
    async with breakable_runtime(INTERVALS) as runtime:
        await runtime.kill("postgres")
        with small_disk(runtime.folder.postgres):
            await runtime.revive("postgres")
            try:
                async with at_work(runtime, tmp_path) as workload:
                    with full(runtime.folder.postgres):
                        await _is_refused(workload)
                    await workload.works_on()
            finally:
                await runtime.stop()


async def _is_refused(workload: Workload) -> None:
    """Writes that need room are refused as UNAVAILABLE; nothing else is."""
    api = await workload.scenario.operator()

    async def submit(number: int) -> str:
        task = workload.scenario.task(
            task_id=f"task.large.{number}",
            required_capabilities=["product_validation"],
            input={"much": os.urandom(100_000).hex()},
        )
        request = assignment_pb2.SubmitTaskRequest(task=task, request_id=f"submit.{number}")
        try:
            await api.transport.ask(
                api.stubs.assignment.SubmitTask, request, api._credential, patience=0.0
            )
        except PhoenixError as refused:
            return refused.reason
        return ""

    async with asyncio.timeout(PATIENCE):
        reason = ""
        for number in itertools.count(1):
            reason = await submit(number)
            if reason:
                break
    assert reason == "UNAVAILABLE"

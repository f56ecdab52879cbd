"""Links between services break: seen soon, healed by themselves, one owner throughout.

`make test` silences each link between two services both ways, one after the other, and all links at
once in either direction. ``PHOENIX_DMA_TEST_EACH_LINK=1`` adds each link in each direction alone.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio

from phoenix_dma import declare
from phoenix_dma.aio.transport import Credential
from phoenix_dma.errors import PhoenixError
from phoenix_dma.v1 import approval_pb2, assignment_pb2, registry_pb2, state_pb2
from phoenix_runtime.chassis.ids import new_id
from tests.e2e.conftest import PACE
from tests.e2e.recording import RecordingTransport
from tests.e2e.stage import Stage, steward
from tests.robustness.crew import at_work
from tests.support.linked_house import LINKS, PEERS, Link, LinkedHouse, linked_house
from tests.support.stopwatch import stopwatch
from tests.support.until import until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

SEEN: Final = 5.0
"""Seconds within which whoever calls over a broken link is told."""
AWAY: Final = {"UNAVAILABLE", "POLICY_ENGINE_UNAVAILABLE"}
BOTH: Final = "both"
ONE_WAY: Final = ("requests", "answers")
LOST: Final[Mapping[str, Mapping[str, bool]]] = {
    BOTH: {},
    "requests": {"answers": False},
    "answers": {"requests": False},
}
"""What does not arrive, and how a proxy is told."""
ALONE_TOO: Final = ONE_WAY if os.environ.get("PHOENIX_DMA_TEST_EACH_LINK") else ()
STORED: Final = ("registry", "assignment", "governance")
"""Whose own reads need no peer."""
UNKNOWN: Final = "task.for-nobody"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def runtime() -> AsyncIterator[LinkedHouse]:
    async with linked_house(PACE) as runtime:
        yield runtime


@dataclass(frozen=True, slots=True)
class Probe:
    """A call that has to pass a link, made at the part on its near side; by an operator."""

    transport: RecordingTransport
    credential: Credential
    stub: str
    method: str
    request: Callable[[], Any]

    async def once(self) -> PhoenixError | None:
        """One try; answers how it was refused."""
        request = self.request()
        method = getattr(getattr(self.transport.stubs, self.stub), self.method)
        try:
            await self.transport.ask(method, request, self.credential, patience=0.0)
        except PhoenixError as refused:
            return refused
        return None

    async def is_told(self) -> None:
        """Three times: what was connected, and what has to connect, once before and after."""
        for attempt in range(3):
            async with stopwatch() as watch:
                refused = await self.once()
                took = watch.look()
            told = f"{self.method}, try {attempt}, after {took:.1f} s: {refused!r}"
            assert refused is not None, told
            assert refused.reason in AWAY, told
            assert took < SEEN, told

    async def is_answered(self) -> None:
        """By itself, soon."""

        async def answered() -> bool:
            refused = await self.once()
            return refused is None or refused.reason not in AWAY

        await until(answered, 15)


async def probes(stage: Stage) -> Mapping[Link, Probe]:
    """By link. What a probe leaves behind is a task that waits, and a human."""
    await stage.submit(task_id=UNKNOWN, required_capabilities=["product_validation"])
    human = declare.participant(steward("human.01", {"type": "human", "capabilities": []}))
    known = assignment_pb2.TaskDeclaration(task_id=UNKNOWN)
    checkpoints = partial(state_pb2.ListCheckpointsRequest, task_id=UNKNOWN)

    def submission() -> assignment_pb2.SubmitTaskRequest:
        task = stage.task(task_id=new_id("task"), required_capabilities=["product_validation"])
        return assignment_pb2.SubmitTaskRequest(task=task)

    asked: dict[Link, tuple[str, str, Callable[[], Any]]] = {
        ("gateway", "registry"): (
            "registry",
            "ListParticipants",
            registry_pb2.ListParticipantsRequest,
        ),
        ("gateway", "assignment"): ("assignment", "ListTasks", assignment_pb2.ListTasksRequest),
        ("gateway", "state"): ("state", "ListCheckpoints", checkpoints),
        ("gateway", "governance"): (
            "approvals",
            "ListApprovals",
            approval_pb2.ListApprovalsRequest,
        ),
        ("state", "assignment"): ("state", "ListCheckpoints", checkpoints),
        ("assignment", "registry"): (
            "assignment",
            "AssignTask",
            partial(assignment_pb2.AssignTaskRequest, task=known),
        ),
        ("assignment", "governance"): ("assignment", "SubmitTask", submission),
        ("registry", "governance"): (
            "registry",
            "RegisterParticipant",
            partial(registry_pb2.RegisterParticipantRequest, participant=human),
        ),
    }
    assert asked.keys() == set(LINKS)
    parts = {part: await stage.transport(part) for part in PEERS}
    operator = (await stage.operator())._credential
    return {link: Probe(parts[link[0]], operator, *call) for link, call in asked.items()}


async def is_lost(
    runtime: LinkedHouse, folder: Path, links: tuple[Link, ...], how: Mapping[str, bool]
) -> None:
    """The links fall silent while a crew works; who calls is told; they heal; nothing is lost."""
    async with at_work(runtime, folder) as crew:
        asked = await probes(crew.stage)
        for link in links:
            await asked[link].is_answered()
        with ExitStack() as stack:
            for link in links:
                stack.enter_context(runtime.link(*link).silent(**how))
            await asyncio.gather(*(asked[link].is_told() for link in links))
        for link in links:
            await asked[link].is_answered()
        await crew.works_on()


@pytest.mark.parametrize("lost", [BOTH, *ALONE_TOO])
@pytest.mark.parametrize("link", LINKS, ids="-".join)
async def test_a_silent_link_is_seen_in_five_seconds_and_heals_by_itself(
    runtime: LinkedHouse, tmp_path: Path, link: Link, lost: str
) -> None:
    await is_lost(runtime, tmp_path, (link,), LOST[lost])


@pytest.mark.parametrize("lost", ONE_WAY)
async def test_services_that_are_heard_and_hear_nothing_or_the_other_way_round_see_it(
    runtime: LinkedHouse, tmp_path: Path, lost: str
) -> None:
    await is_lost(runtime, tmp_path, LINKS, LOST[lost])


@pytest.mark.parametrize("parts", [STORED, ("state",)], ids="-".join)
async def test_a_database_that_is_not_heard_is_seen_in_five_seconds_and_comes_back(
    runtime: LinkedHouse, tmp_path: Path, parts: tuple[str, ...]
) -> None:
    async with at_work(runtime, tmp_path) as crew:
        stage = crew.stage
        operator = (await stage.operator())._credential
        reads = {
            "registry": ("registry", "ListParticipants", registry_pb2.ListParticipantsRequest()),
            "assignment": ("assignment", "ListTasks", assignment_pb2.ListTasksRequest()),
            "governance": ("approvals", "ListApprovals", approval_pb2.ListApprovalsRequest()),
            "state": (
                "state",
                "GetContext",
                state_pb2.GetContextRequest(context_ref="phoenix://context/task.001"),
            ),
        }
        asked = []
        for part in parts:
            stub, method, request = reads[part]
            again = partial(type(request).FromString, request.SerializeToString())
            asked.append(Probe(await stage.transport(part), operator, stub, method, again))
        with ExitStack() as stack:
            for part in parts:
                stack.enter_context(runtime.link(part, "postgres").silent())
            await asyncio.gather(*(probe.is_told() for probe in asked))
        for probe in asked:
            await probe.is_answered()
        await crew.works_on()


async def test_links_that_are_cut_are_made_anew(runtime: LinkedHouse, tmp_path: Path) -> None:
    async with at_work(runtime, tmp_path) as crew:
        asked = await probes(crew.stage)
        with ExitStack() as stack:
            for link in LINKS:
                stack.enter_context(runtime.link(*link).cut())
            await asyncio.gather(*(probe.is_told() for probe in asked.values()))
        for probe in asked.values():
            await probe.is_answered()
        await crew.works_on()


async def test_slow_links_change_nothing_but_the_time_it_takes(
    runtime: LinkedHouse, tmp_path: Path
) -> None:
    async with at_work(runtime, tmp_path) as crew:
        with ExitStack() as stack:
            for link in LINKS:
                stack.enter_context(runtime.link(*link).slow(0.1))
            await crew.works_on()
            await crew.works_on()
        assert not await crew.stage.events("PARTICIPANT_FAILED")

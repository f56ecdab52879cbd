"""One call for each link and each database; made at the part on the near side, by an operator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from google.protobuf.message import Message
from grpc import StatusCode

from phoenix_dma import declare
from phoenix_dma.aio.rpc.transport import Credential
from phoenix_dma.errors import PhoenixError
from phoenix_dma.v1 import approval_pb2, assignment_pb2, registry_pb2, state_pb2
from phoenix_runtime.chassis.ids import new_id
from tests.e2e.scenarios.intervals import PATIENCE
from tests.e2e.scenarios.recording import RecordingTransport
from tests.e2e.scenarios.scenario import Scenario, steward
from tests.support.processes.linked_runtime import LINKS, PEERS, Link
from tests.support.waiting.until import until

AWAY: Final = {"UNAVAILABLE", "POLICY_ENGINE_UNAVAILABLE"}
UNKNOWN: Final = "task.for-nobody"
ATTEMPTS: Final = 3
"""What was connected, and what has to connect, once before and once after it was noticed."""

Call = tuple[str, str, Callable[[], Message]]
"""A stub, a method, and what makes the request."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A call that has to pass a link."""

    transport: RecordingTransport
    credential: Credential
    stub: str
    method: str
    request: Callable[[], Message]

    async def once(self) -> PhoenixError | None:
        """Call once; answers the refusal."""
        method = getattr(getattr(self.transport.stubs, self.stub), self.method)
        try:
            await self.transport.ask(method, self.request(), self.credential, patience=0.0)
        except PhoenixError as refused:
            return refused
        return None

    async def is_refused(self) -> None:
        """The part on the near side notices the broken link, long before the call's deadline."""
        for attempt in range(ATTEMPTS):
            refused = await self.once()
            assert refused is not None, f"{self.method}, try {attempt}, was answered"
            assert refused.reason in AWAY, f"{self.method}, try {attempt}: {refused!r}"
            status: Any = refused.__cause__
            assert status.code() is not StatusCode.DEADLINE_EXCEEDED, f"{self.method}: {refused!r}"

    async def is_answered(self) -> None:
        """The link is made anew without anybody's help."""

        async def answered() -> bool:
            refused = await self.once()
            return refused is None or refused.reason not in AWAY

        await until(answered, PATIENCE)


async def link_probes(scenario: Scenario) -> Mapping[Link, Probe]:
    """A probe for each link.

    Probes leave behind tasks that wait, and a human.
    """
    await scenario.submit(task_id=UNKNOWN, required_capabilities=["product_validation"])
    calls = _calls(scenario)
    assert calls.keys() == set(LINKS)
    parts = {part: await scenario.transport(part) for part in PEERS}
    operator = (await scenario.operator())._credential
    return {link: Probe(parts[link[0]], operator, *call) for link, call in calls.items()}


def _calls(scenario: Scenario) -> Mapping[Link, Call]:
    human = declare.participant(steward("human.01", {"type": "human", "capabilities": []}))
    known = assignment_pb2.TaskDeclaration(task_id=UNKNOWN)
    checkpoints = partial(state_pb2.ListCheckpointsRequest, task_id=UNKNOWN)
    assigning = partial(assignment_pb2.AssignTaskRequest, task=known)
    registering = partial(registry_pb2.RegisterParticipantRequest, participant=human)

    def submission() -> assignment_pb2.SubmitTaskRequest:
        task = scenario.task(task_id=new_id("task"), required_capabilities=["product_validation"])
        return assignment_pb2.SubmitTaskRequest(task=task)

    return {
        ("gateway", "registry"): _READS["registry"],
        ("gateway", "assignment"): _READS["assignment"],
        ("gateway", "state"): ("state", "ListCheckpoints", checkpoints),
        ("gateway", "governance"): _READS["governance"],
        ("state", "assignment"): ("state", "ListCheckpoints", checkpoints),
        ("assignment", "registry"): ("assignment", "AssignTask", assigning),
        ("assignment", "governance"): ("assignment", "SubmitTask", submission),
        ("registry", "governance"): ("registry", "RegisterParticipant", registering),
    }


_READS: Final[Mapping[str, Call]] = {
    "registry": ("registry", "ListParticipants", registry_pb2.ListParticipantsRequest),
    "assignment": ("assignment", "ListTasks", assignment_pb2.ListTasksRequest),
    "governance": ("approvals", "ListApprovals", approval_pb2.ListApprovalsRequest),
    "state": (
        "state",
        "GetContext",
        partial(state_pb2.GetContextRequest, context_ref="phoenix://context/task.001"),
    ),
}
"""What each service reads from its own database, or as state does through assignment."""


async def database_probes(scenario: Scenario, parts: Sequence[str]) -> list[Probe]:
    """A probe for the database of each of these services."""
    operator = (await scenario.operator())._credential
    return [Probe(await scenario.transport(part), operator, *_READS[part]) for part in parts]

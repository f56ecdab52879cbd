"""What a test does with its tenant: participants, tasks, deaths, decisions, and the audit."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, TypeVar, Unpack
from uuid import uuid4

from phoenix_dma.aio.client import AsyncPhoenixClient
from phoenix_dma.briefing import TaskInfo
from phoenix_dma.client import PhoenixClient
from phoenix_dma.declare import ParticipantFields, TaskFields
from phoenix_dma.loop_thread import LoopThread
from phoenix_dma.nearest import did_you_mean
from phoenix_dma.own_profile import own_profile_path, write_own_profile
from phoenix_dma.profile import read_profile
from phoenix_dma.testing.agent import Agent
from phoenix_dma.testing.lineage import Expected, difference, matches, relevant
from phoenix_dma.testing.patience import patience
from phoenix_dma.testing.runtime import SharedRuntime
from phoenix_dma.v1 import approval_pb2, audit_pb2, governed_pb2, identity_pb2, registry_pb2

PATIENCE: Final = patience()
"""Seconds after which what a test waits for is taken not to come."""
LINEAGE_PATIENCE: Final = PATIENCE / 3
"""The same for a story in the audit, which is told within seconds of what happened."""
POLL_SECONDS: Final = 0.05
OPERATOR: Final = "human.operator"
OPERATES: Final = ("operator", "submitter", "reviewer", "auditor", "policy_admin")
REVIEWER: Final = "human.reviewer"

Found = TypeVar("Found")
Handler = Callable[..., Any]


class Phoenix:
    """A tenant of one test in a runtime that others share; closing it ends its participants.

    Everybody in it has an enrolment of their own that the issuer made: an agent decides nothing, a
    person decides about everything but what they asked for or worked on. ``client`` is the
    operator's `PhoenixClient`.
    """

    def __init__(self, runtime: SharedRuntime) -> None:
        self.tenant = f"test-{uuid4().hex[:12]}"
        self._runtime = runtime
        self._open = ExitStack()
        self._thread = LoopThread("phoenix-dma-testing-issuer")
        self._open.callback(self._thread.stop)
        self._issuer = AsyncPhoenixClient(profile=read_profile(runtime.issuer_profile(self.tenant)))
        self._open.callback(lambda: self._thread.call(self._issuer.close()))
        self._people: dict[str, PhoenixClient] = {}
        self.client = self._client(self.enrol_person(OPERATOR, *OPERATES))

    def __enter__(self) -> Phoenix:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    # Who takes part ------------------------------------------------------------------------------

    def participant(
        self, participant_id: str = "", **fields: Unpack[ParticipantFields]
    ) -> Callable[[Handler], Agent]:
        """Register the decorated function as the handler of a participant that is ACTIVE then.

        ``def`` and ``async def`` as in an agent. Without an id it is ``agent.<function's name>``;
        type is agent and owner ``tests`` where they are not given.
        """

        def registered(handler: Handler) -> Agent:
            name = getattr(handler, "__name__", "participant").strip("_")
            return self.join(participant_id or f"agent.{name}", handler, **fields)

        return registered

    def join(
        self,
        participant_id: str,
        handler: Handler | None = None,
        **fields: Unpack[ParticipantFields],
    ) -> Agent:
        """Register a participant, with one handler or none, and wait until it is ACTIVE."""
        made: ParticipantFields = {
            "type": "agent",
            "owner": "tests",
            **fields,
            "id": participant_id,
        }
        profile = self.enrol_participant(participant_id, made["type"], made["owner"])
        agent = Agent(profile, participant_id)
        self._open.callback(agent.stop)
        if handler is not None:
            agent.task_handler()(handler)
        agent.register(made)
        self._until(
            lambda: self._status(participant_id) == registry_pb2.PARTICIPANT_STATUS_ACTIVE,
            lambda: f"{participant_id} is not ACTIVE",
        )
        return agent

    def enrol_participant(
        self, participant_id: str, kind: str = "agent", owner: str = "tests"
    ) -> Path:
        """A profile that can be that participant and nothing more, such as for an agent's script.

        ``PHOENIX_DMA_PROFILE`` names it to a script; https://phoenix.example.com is resolved.
        """
        return self._enrolled(
            identity_pb2.CreateEnrolmentRequest(
                kind=identity_pb2.ENROLMENT_KIND_PARTICIPANT,
                identity=participant_id,
                owner=owner,
                participant_type=kind,
            )
        )

    def enrol_person(self, identity: str, *roles: str) -> Path:
        """A profile of a person with these roles; reviewer where none is given."""
        return self._enrolled(
            identity_pb2.CreateEnrolmentRequest(
                kind=identity_pb2.ENROLMENT_KIND_PERSON,
                identity=identity,
                roles=[governed_pb2.Role.Value(f"ROLE_{role.upper()}") for role in roles],
            )
        )

    # Tasks ---------------------------------------------------------------------------------------

    def submit(self, **fields: Unpack[TaskFields]) -> TaskInfo:
        """Submit a task as the operator; of low risk, and "a test" its objective, unless given."""
        made: TaskFields = {"objective": "a test", "risk_level": "low", **fields}
        return self.client.submit(**made)

    def wait_for(self, task: str | TaskInfo, *, timeout: float = PATIENCE) -> TaskInfo:
        """Wait until the task has ended; raises TimeoutError."""
        return self.client.wait_for(task, timeout=timeout)

    def wait_for_event(
        self, task: str | TaskInfo, kind: str, *, timeout: float = PATIENCE
    ) -> audit_pb2.AuditEvent:
        """Wait for the first audit event of that type; TimeoutError names those that are there."""
        task_id = _id(task)

        def first() -> audit_pb2.AuditEvent | None:
            return next((one for one in self.client.lineage(task_id) if one.type == kind), None)

        def why() -> str:
            there = [one.type for one in self.client.lineage(task_id)]
            return f"{task_id} has no {kind}{did_you_mean(kind, there)}; it has {there}"

        return self._until(first, why, timeout)

    # What happens to participants ----------------------------------------------------------------

    def kill(self, agent: Agent) -> None:
        """Kill a participant: it falls silent, without Goodbye; its lease lapses by itself."""
        agent.kill()

    def expire(self, agent: Agent | str) -> None:
        """End the lease now; return once the registry has failed its holder.

        What follows is what follows on every lease that ran out. An agent that is alive is told,
        loses what it holds, and registers again.
        """
        participant_id = agent if isinstance(agent, str) else agent.id
        before = self.client.get_participant(participant_id)
        if before.status == registry_pb2.PARTICIPANT_STATUS_FAILED:
            return

        def over() -> bool:
            # Said again until it is so: the holder may register anew meanwhile.
            now = self.client.get_participant(participant_id)
            failed = now.status == registry_pb2.PARTICIPANT_STATUS_FAILED
            return failed or now.generation > before.generation

        self._runtime.end_lease(self.tenant, participant_id, before.generation)
        self._until(over, lambda: f"{participant_id} still holds its lease")

    # Who decides ---------------------------------------------------------------------------------

    def approve(
        self,
        task: str | TaskInfo,
        *,
        by: str = REVIEWER,
        comment: str = "approved",
        action: str = "",
    ) -> approval_pb2.Approval:
        """Wait until the task needs a person's yes (to ``action``, if given), and give it.

        ``by`` is enrolled as a reviewer when first named. Raises `NotPermitted` or `PolicyDenied`
        where that person may not decide, AssertionError where the task ends without the question.
        """
        return self._decide(task, by, comment, action, yes=True)

    def reject(
        self,
        task: str | TaskInfo,
        *,
        by: str = REVIEWER,
        comment: str = "rejected",
        action: str = "",
    ) -> approval_pb2.Approval:
        """Wait until the task needs a person's yes, and give a no; see `approve`."""
        return self._decide(task, by, comment, action, yes=False)

    # What is left of it --------------------------------------------------------------------------

    def assert_lineage(
        self,
        task: str | TaskInfo,
        expected: Sequence[Expected],
        *,
        timeout: float = LINEAGE_PATIENCE,
    ) -> None:
        """Assert that the audit tells this story of the task, and wait for it up to ``timeout``.

        Items are types of events, or type and participant; ``...`` is any number of events. Events
        of others (approvals, children) count where their type is in the list.
        """
        __tracebackhide__ = True
        task_id = _id(task)
        until = time.monotonic() + timeout
        while True:
            found = relevant(task_id, self.client.lineage(task_id), expected)
            if matches(expected, found):
                return
            if time.monotonic() >= until:
                raise AssertionError(f"lineage of {task_id}:\n{difference(expected, found)}")
            time.sleep(POLL_SECONDS)

    # ---------------------------------------------------------------------------------------------

    def _decide(
        self, task: str | TaskInfo, by: str, comment: str, action: str, *, yes: bool
    ) -> approval_pb2.Approval:
        task_id = _id(task)

        def asked() -> approval_pb2.Approval | None:
            found = self.client.list_approvals(statuses=("pending",), task_id=task_id)
            first = next((one for one in reversed(found) if action in {"", one.action}), None)
            now = self.client.get_task(task_id)
            if first is None and now.ended:
                raise AssertionError(f"{task_id} is {now.status}, and nobody is asked about it")
            return first

        question = self._until(asked, lambda: f"nobody is asked about {task_id}")
        return self._person(by).decide(question.approval_id, approve=yes, comment=comment)

    def _person(self, identity: str) -> PhoenixClient:
        if identity not in self._people:
            own = identity != OPERATOR
            client = self._client(self.enrol_person(identity)) if own else self.client
            client.register_participant(id=identity, type="human", owner=identity)
            self._people[identity] = client
        return self._people[identity]

    def _enrolled(self, order: identity_pb2.CreateEnrolmentRequest) -> Path:
        # Written again each time: the issuer's own enrolment is good for minutes.
        base = read_profile(self._runtime.issuer_profile(self.tenant))
        made = self._thread.call(self._created(order))
        file = own_profile_path(order.identity, base)
        write_own_profile(file, made.credential, base)
        return file

    async def _created(
        self, order: identity_pb2.CreateEnrolmentRequest
    ) -> identity_pb2.CreateEnrolmentResponse:
        api = self._issuer.api
        return await api.ask(api.stubs.identity.CreateEnrolment, order)

    def _client(self, profile: Path) -> PhoenixClient:
        return self._open.enter_context(PhoenixClient(profile=read_profile(profile)))

    def _status(self, participant_id: str) -> int:
        return self.client.get_participant(participant_id).status

    def _until(
        self,
        look: Callable[[], Found | None],
        why: Callable[[], str],
        timeout: float = PATIENCE,
    ) -> Found:
        until = time.monotonic() + timeout
        while not (found := look()):
            if time.monotonic() >= until:
                raise TimeoutError(f"after {timeout:g} s {why()}")
            time.sleep(POLL_SECONDS)
        return found


def _id(task: str | TaskInfo) -> str:
    return task if isinstance(task, str) else task.id

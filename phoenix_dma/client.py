"""The synchronous client of the paper's Figure 3: wraps `AsyncPhoenixClient`."""

from __future__ import annotations

import asyncio
import atexit
import threading
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any, TypeVar, Unpack

from phoenix_dma.aio.client import AsyncPhoenixClient
from phoenix_dma.aio.keepalive.attachment import Loss
from phoenix_dma.aio.participant import Leaving
from phoenix_dma.aio.runtime_api import RuntimeApi
from phoenix_dma.aio.work.context_reader import ContextResolver
from phoenix_dma.briefing import Checkpoint, TaskInfo
from phoenix_dma.context import Context
from phoenix_dma.current import CLIENTS
from phoenix_dma.declare import ParticipantFields, TaskFields, task
from phoenix_dma.keep_alive_process import KeepAliveProcess
from phoenix_dma.log import EventLog, announcements
from phoenix_dma.loop_thread import LoopThread
from phoenix_dma.profile import Profile
from phoenix_dma.v1 import approval_pb2, assignment_pb2, audit_pb2, handoff_pb2, registry_pb2

log = EventLog(__name__)

Found = TypeVar("Found")
Function = TypeVar("Function", bound=Callable[..., Any])


class PhoenixClient:
    """One client of a runtime; it registers at most one participant.

    While handlers are registered the process stays alive after the script's last line; SIGTERM and
    Ctrl-C then drain, hand off what is left and send Goodbye. The participant retires only by
    `retire`, or on exit with ``retire_on_exit=True``: a retired id is never used again. Every
    method raises `phoenix_dma.errors.PhoenixError` where the runtime refuses.
    """

    def __init__(
        self,
        base_url: str = "",
        *,
        profile: Profile | None = None,
        retire_on_exit: bool = False,
        leaving: Leaving | None = None,
    ) -> None:
        self.aio = AsyncPhoenixClient(
            base_url, profile=profile, retire_on_exit=retire_on_exit, leaving=leaving
        )
        self.aio.handlers_complete = self._script_over
        self._thread = LoopThread("phoenix-dma-client")
        self._keep_alive: KeepAliveProcess | None = None
        self._closing = threading.Lock()
        self._retiring = False
        self._closed = False
        CLIENTS.append(self)
        atexit.register(self.close)

    def __enter__(self) -> PhoenixClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # As a participant ---------------------------------------------------------------------------

    def register_participant(
        self, **fields: Unpack[ParticipantFields]
    ) -> registry_pb2.RegisterParticipantResponse:
        """Register and stay attached; raises `PolicyDenied` where policy refuses it."""
        answer = self._wait(self.aio.register_participant(**fields))
        self._keep()
        return answer

    def task_handler(self, capability: str = "") -> Callable[[Function], Function]:
        """Register a handler for tasks that require ``capability``; for any where it is empty."""
        add = self.aio.task_handler(capability)

        def register(function: Function) -> Function:
            add(function)
            self._keep()
            return function

        return register

    def resolver(self, scheme: str) -> Callable[[ContextResolver], ContextResolver]:
        """Register how contexts stored elsewhere (``scheme://…``) are fetched for a handoff."""
        return self.aio.resolver(scheme)

    def checkpoint(self, task_id: str, value: Any) -> Checkpoint:
        """Record what a running task has found; a plain value is filed under ``outputs``."""
        return self._wait(self.aio.checkpoint(task_id, value))

    def load_context(self, context_ref: str) -> Context:
        """The context at a ``phoenix://`` address."""
        return self._wait(self.aio.load_context(context_ref))

    def retire(
        self, *, mode: str = "graceful", deadline: datetime | None = None, reason: str = ""
    ) -> handoff_pb2.Retirement:
        """Retire this participant, permanently: its id is never used again."""
        self._retiring = True
        return self._wait(self.aio.retire(mode=mode, deadline=deadline, reason=reason))

    # As a submitter, an operator, a reviewer ----------------------------------------------------

    def submit(self, **fields: Unpack[TaskFields]) -> TaskInfo:
        """Create a task; the engine then looks for an assignee."""
        return self._ask(lambda api: api.submit(task(fields)))

    def assign(self, **fields: Unpack[TaskFields]) -> assignment_pb2.AssignTaskResponse:
        """Assign now: a whole task is submitted first, a known ``task_id`` alone is enough."""
        return self._ask(lambda api: api.assign(task(fields)))

    def explain(self, **fields: Unpack[TaskFields]) -> assignment_pb2.ExplainAssignmentResponse:
        """Who would get a task now, and why not the others."""
        return self._ask(lambda api: api.explain(task(fields)))

    def get_task(self, task_id: str) -> TaskInfo:
        """Read one task."""
        return self._ask(lambda api: api.get_task(task_id))

    def list_tasks(self, *, statuses: tuple[str, ...] = (), limit: int = 200) -> list[TaskInfo]:
        """The newest tasks."""
        return self._ask(lambda api: api.list_tasks(statuses=statuses, limit=limit))

    def wait_for(self, task: str | TaskInfo, *, timeout: float | None = None) -> TaskInfo:
        """Wait until a task has ended; raises TimeoutError after ``timeout`` seconds."""
        return self._ask(lambda api: api.wait_for(task, timeout=timeout))

    def cancel(self, task_id: str, reason: str = "") -> TaskInfo:
        """End a task without a result."""
        return self._ask(lambda api: api.cancel(task_id, reason))

    def hand_off(self, task_id: str, *, reason: str = "") -> handoff_pb2.Handoff:
        """Start a governed handoff of a task to another participant."""
        return self._ask(lambda api: api.hand_off(task_id, reason=reason))

    def list_participants(
        self, *, statuses: tuple[str, ...] = ()
    ) -> list[registry_pb2.Participant]:
        """The participants of the tenant."""
        return self._ask(lambda api: api.list_participants(statuses=statuses))

    def get_participant(self, participant_id: str) -> registry_pb2.Participant:
        """Read one participant."""
        return self._ask(lambda api: api.get_participant(participant_id))

    def list_approvals(
        self, *, statuses: tuple[str, ...] = (), task_id: str = ""
    ) -> list[approval_pb2.Approval]:
        """The newest approvals."""
        return self._ask(lambda api: api.list_approvals(statuses=statuses, task_id=task_id))

    def decide(self, approval_id: str, *, approve: bool, comment: str) -> approval_pb2.Approval:
        """Approve or reject, as the human participant that this client registered."""
        api = self._within(lambda: self.aio.participant_api)
        return self._wait(api.decide(approval_id, approve=approve, comment=comment))

    def lineage(self, task_id: str) -> list[audit_pb2.AuditEvent]:
        """Every audit event of a task and its children, oldest first."""
        return self._ask(lambda api: api.lineage(task_id))

    # Its own end ----------------------------------------------------------------------------------

    def drain(self) -> None:
        """Drain and close: take no new work, let handlers end, hand off the rest, Goodbye."""
        self._end(self.aio.drain)

    def close(self) -> None:
        """Send Goodbye at once and close the connection; harmless when repeated."""
        self._end(self.aio.close)

    def _end(self, end: Callable[[], Coroutine[Any, Any, None]]) -> None:
        if self._thread.process.left:
            return  # in a forked child: the client lives on in the process that made it
        with self._closing:
            if self._closed:
                return
            self._closed = True
        CLIENTS.remove(self)
        atexit.unregister(self.close)
        try:
            self._thread.call(end())
        finally:
            self._thread.stop()
            if self._keep_alive is not None:
                self._keep_alive.finish()

    def _keep(self) -> None:
        """Keep the process alive once there are a participant and a handler."""
        if self._keep_alive is None and self.aio.participant is not None and len(self.aio.handlers):
            self._keep_alive = KeepAliveProcess(self.drain)
            self._keep_alive.start()
            asyncio.run_coroutine_threadsafe(self._until_over(self._keep_alive), self._thread.loop)

    def _script_over(self) -> bool:
        """No more handlers will be registered."""
        over = self._keep_alive is not None and self._keep_alive.script_over
        return over or not threading.main_thread().is_alive()

    async def _until_over(self, keep_alive: KeepAliveProcess) -> None:
        if self.aio.participant is not None:
            loss = await asyncio.shield(self.aio.participant.stay_attached())
            if loss is not Loss.LEFT and not self._closed and not self._retiring:
                self._tell_end(self.aio.participant.participant_id, loss)
                keep_alive.exit_code = loss.exit_code
        keep_alive.finish()

    def _tell_end(self, participant_id: str, loss: Loss) -> None:
        log.error("participant_ended", participant=participant_id, loss=loss)
        announcements.say(
            f"{participant_id} was {loss} and will not attach again (exit code {loss.exit_code})"
        )

    def _ask(self, ask: Callable[[RuntimeApi], Coroutine[Any, Any, Found]]) -> Found:
        return self._wait(ask(self._within(lambda: self.aio.api)))

    def _within(self, make: Callable[[], Found]) -> Found:
        """What ``make`` returns, called inside the loop: channels belong to one loop."""

        async def made() -> Found:
            return make()

        return self._wait(made())

    def _wait(self, coroutine: Coroutine[Any, Any, Found]) -> Found:
        return self._thread.call(coroutine)

"""A task as a synchronous handler sees it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.briefing import (
    Authorization,
    Checkpoint,
    EffectInfo,
    HumanDecision,
    Obligation,
    TaskInfo,
)
from phoenix_dma.context import NOTHING, Context
from phoenix_dma.effect import Effect
from phoenix_dma.forks import OwnProcess
from phoenix_dma.v1 import assignment_pb2, audit_pb2, handoff_pb2

Found = TypeVar("Found")
CHILD_POLL_SECONDS = 0.2


class Task:
    """What a synchronous handler works with; the handler runs in a thread of its own.

    A thread cannot be interrupted: ``cancelled`` says when to stop, and every writing method raises
    `AssignmentLost` once the task is not held any more.
    """

    def __init__(self, task: AsyncTask, loop: asyncio.AbstractEventLoop) -> None:
        self.aio = task
        self._loop = loop
        self._process = OwnProcess()

    def __repr__(self) -> str:
        return f"Task({self.id!r}, epoch={self.epoch}, attempt={self.attempt})"

    @property
    def id(self) -> str:
        """The stable identity."""
        return self.aio.id

    @property
    def objective(self) -> str:
        """One sentence that says what is wanted."""
        return self.aio.objective

    @property
    def input(self) -> dict[str, Any]:
        """What was submitted."""
        return self.aio.input

    @property
    def context_ref(self) -> str:
        """The address of the newest context, for `load_context`."""
        return self.aio.context_ref

    @property
    def epoch(self) -> int:
        """The epoch under which the task is held."""
        return self.aio.epoch

    @property
    def attempt(self) -> int:
        """Counts tries, from 1."""
        return self.aio.attempt

    @property
    def version(self) -> int:
        """The version of the newest context that this handler has seen; 0 is the input."""
        return self.aio.version

    @property
    def required_capabilities(self) -> tuple[str, ...]:
        """What an assignee has to be able to do."""
        return self.aio.required_capabilities

    @property
    def data_domains(self) -> tuple[str, ...]:
        """The data that the task is about."""
        return self.aio.data_domains

    @property
    def risk_level(self) -> str:
        """low, medium or high."""
        return self.aio.risk_level

    @property
    def policy_constraints(self) -> tuple[str, ...]:
        """The constraints that hold for the task."""
        return self.aio.policy_constraints

    @property
    def correlation_id(self) -> str:
        """One id for the task's whole life; its children carry it too."""
        return self.aio.correlation_id

    @property
    def obligations(self) -> tuple[Obligation, ...]:
        """The conditions that policy attached."""
        return self.aio.obligations

    @property
    def approvals(self) -> tuple[HumanDecision, ...]:
        """What humans decided about the task so far."""
        return self.aio.approvals

    @property
    def unknown_effects(self) -> tuple[EffectInfo, ...]:
        """Effects that somebody began before, and nobody knows whether they were done."""
        return self.aio.unknown_effects

    @property
    def restored(self) -> bool:
        """True where a checkpoint was recorded before: continue from `context`, not anew."""
        return self.aio.restored

    @property
    def cancelled(self) -> bool:
        """True once the task is not held any more: return."""
        return self.aio.cancelled

    @property
    def checkpoint_wanted(self) -> bool:
        """True while a checkpoint is asked for soon: a handoff or retirement waits for it."""
        return self.aio.checkpoint_wanted

    @property
    def draining(self) -> bool:
        """True once the participant is leaving: finish soon, or checkpoint and raise `HandOff`."""
        return self.aio.draining

    def context(self) -> Context:
        """The newest context: the submitted input at version 0."""
        return self._wait(self.aio.context())

    def load_context(self, context_ref: str) -> Context:
        """The context at an address."""
        return self._wait(self.aio.load(context_ref))

    def fulfil(self, obligation_id: str, decision: Any) -> None:
        """Meet an obligation by a decision; see `AsyncTask.fulfil`."""
        self.aio.fulfil(obligation_id, decision)

    def checkpoint(self, value: Any = NOTHING, /, **kinds: Any) -> Checkpoint:
        """Record what is known now; see `AsyncTask.checkpoint`."""
        return self._wait(self.aio.checkpoint(value, **kinds))

    def checkpoint_reference(
        self, state_ref: str, content_hash: str, *, owner: str = "", protocol: str = ""
    ) -> Checkpoint:
        """Record state that is stored elsewhere; see `AsyncTask.checkpoint_reference`."""
        made = self.aio.checkpoint_reference(
            state_ref, content_hash, owner=owner, protocol=protocol
        )
        return self._wait(made)

    def authorize(
        self,
        kind: str,
        name: str,
        *,
        domain: str = "",
        subject: Mapping[str, Any] | None = None,
        wait: bool = True,
    ) -> Authorization:
        """Ask for permission to act; see `AsyncTask.authorize`."""
        asked = self.aio.authorize(kind, name, domain=domain, subject=subject, wait=wait)
        return self._wait(asked)

    def effect(
        self,
        kind: str,
        name: str,
        subject: Mapping[str, Any] | None = None,
        *,
        domain: str = "",
        idempotent: bool = False,
    ) -> Effect:
        """Do something outside, once: ``with task.effect(…) as effect``; see `AsyncTask.effect`."""
        made = self.aio.effect(kind, name, subject, domain=domain, idempotent=idempotent)
        return Effect(made, self._wait)

    def once(
        self,
        effect: Effect,
        do: Callable[[str], Any],
        look: Callable[[str], Any] | None = None,
    ) -> Any:
        """Do ``effect`` by ``do(key)`` unless it was done before; see `AsyncTask.once`."""
        return effect.once(do, look)

    def record_effect(
        self, key: str, *, happened: bool, outcome: Any = None, why: str = ""
    ) -> EffectInfo:
        """Record what was found of an effect; see `AsyncTask.record_effect`."""
        found = self.aio.record_effect(key, happened=happened, outcome=outcome, why=why)
        return self._wait(found)

    def submit(self, task: assignment_pb2.TaskDeclaration) -> TaskInfo:
        """Submit a child of this task."""
        return self._wait(self.aio.submit(task))

    def wait_for(self, child: str | TaskInfo, *, timeout: float | None = None) -> TaskInfo:
        """Wait until a child has ended.

        Raises TimeoutError after ``timeout`` seconds, `AssignmentLost` when this task is lost.
        """
        task_id = child if isinstance(child, str) else child.id
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            self.aio.lease.require()
            found = self._wait(self.aio.read_task(task_id))
            if found.ended:
                return found
            if until is not None and time.monotonic() >= until:
                raise TimeoutError(f"{task_id} is still {found.status}")
            self.aio.lease.ended.wait(CHILD_POLL_SECONDS)

    def lineage(self) -> list[audit_pb2.AuditEvent]:
        """The audit events of this task so far, oldest first."""
        return self._wait(self.aio.lineage())

    def hand_off(self, reason: str = "requested") -> handoff_pb2.Handoff:
        """Ask for a handoff to another participant; work goes on until the task is lost."""
        return self._wait(self.aio.hand_off(reason))

    def _wait(self, coroutine: Coroutine[Any, Any, Found]) -> Found:
        if self._process.left:
            coroutine.close()
            self._process.require(repr(self))
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

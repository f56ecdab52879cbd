"""A graph's interrupts as questions to policy and humans, and what they answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langgraph.types import Interrupt

from phoenix_dma.adapters.bound_task import BoundTask
from phoenix_dma.briefing import Authorization
from phoenix_dma.errors import ApprovalRejected, ApprovalRequired, PolicyDenied, TaskFailure
from phoenix_dma.wire.conversions import json_of

DECIDED = "APPROVAL_DECIDED"


class NobodyAsked(TaskFailure):
    """Policy let an interrupt pass without a person, whom the graph waits for.

    It is final: give the task a constraint or a risk under which policy asks a human for this
    action, or say ``Questions(policy_suffices=True)``.
    """


@dataclass(frozen=True, slots=True)
class Questions:
    """How interrupts are asked: as a final action of this name, in this domain of data.

    Policy decides by name, risk and constraints whether a human is asked. Where it asks none, that
    is an error (`NobodyAsked`) unless ``policy_suffices``.
    """

    action: str = "interrupt"
    domain: str = ""
    policy_suffices: bool = False

    def ask(self, task: BoundTask, interrupts: Sequence[Interrupt]) -> dict[str, dict[str, Any]]:
        """Wait for an answer to each; by the interrupt's id, as `Command` takes it.

        An answer is ``{"approved": …, "outcome": …, "comment": …, "decided_by": …, "key": …}``;
        ``outcome`` is approved, rejected, expired, … or denied, where policy refused.
        """
        if len(interrupts) > 1:
            for one in interrupts:
                self._open(task, one)
        return {one.id: self._answer(task, one) for one in interrupts}

    def _open(self, task: BoundTask, interrupt: Interrupt) -> None:
        """Have the question stand beside the others, before any of them is waited for."""
        try:
            self._authorize(task, interrupt, wait=False)
        except (ApprovalRequired, PolicyDenied):
            return  # `_answer` gets it again

    def _answer(self, task: BoundTask, interrupt: Interrupt) -> dict[str, Any]:
        try:
            allowed = self._authorize(task, interrupt)
        except ApprovalRejected as refused:
            outcome = refused.facts.get("outcome", "rejected")
            return _answer(outcome, comment=refused.comment, decided_by=refused.decided_by)
        except PolicyDenied as denied:
            return _answer("denied", comment=denied.text)
        if not allowed.approval_id:
            if not self.policy_suffices:
                raise NobodyAsked(
                    f"the graph waits for a human, and policy asks none for {self.action}: give "
                    "the task a constraint that does, or a high risk, or say "
                    "Questions(policy_suffices=True)"
                )
            return _answer("approved", key=allowed.id)
        said = _decision(task, allowed.approval_id)
        return _answer(
            "approved",
            comment=str(said.get("comment", "")),
            decided_by=str(said.get("decided_by", "")),
            key=allowed.id,
        )

    def _authorize(
        self, task: BoundTask, interrupt: Interrupt, *, wait: bool = True
    ) -> Authorization:
        # With its id: two interrupts of one text are two questions. It is the same after a resume.
        subject = {"interrupt": interrupt.id, "value": interrupt.value}
        return task.authorize(
            "final_action", self.action, domain=self.domain, subject=subject, wait=wait
        )


def _answer(
    outcome: str, *, comment: str = "", decided_by: str = "", key: str = ""
) -> dict[str, Any]:
    return {
        "approved": outcome == "approved",
        "outcome": outcome,
        "comment": comment,
        "decided_by": decided_by,
        "key": key,
    }


def _decision(task: BoundTask, approval_id: str) -> dict[str, Any]:
    """What the human said with a yes; the audit has it."""
    for event in reversed(task.lineage()):
        detail = json_of(event.detail)
        if event.type == DECIDED and detail.get("approval_id") == approval_id:
            return detail
    return {}

"""Tasks, bindings, handoffs and offers that the unit tests of transitions start from."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from assignment_svc.domain.handoff import Handoff, Offer
from assignment_svc.domain.task import Binding, Task, TaskSpec
from phoenix_runtime.core.standing import RiskLevel
from phoenix_runtime.core.verdict import DecisionPoint, Effect, Obligation, Verdict

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def spec(**fields: Any) -> TaskSpec:
    """A specification, but for ``fields``."""
    made = TaskSpec("task.1", "o", ("a", "b"), ("d",), RiskLevel.LOW, (), "sha256:0")
    return replace(made, **fields)


def task(**fields: Any) -> Task:
    """A pending task with an attempt's time-out and a deadline, but for ``fields``."""
    given = spec(attempt_timeout=timedelta(seconds=30), deadline_at=NOW + timedelta(days=1))
    return replace(Task(given, "ann", "", "corr.1", NOW, NOW), **fields)


def binding(epoch: int = 1, *, participant_id: str = "agent.a", at: datetime = NOW) -> Binding:
    """A binding under ``epoch``."""
    return Binding(
        assignment_id=f"assign.{epoch}",
        participant_id=participant_id,
        owner="team",
        epoch=epoch,
        generation=1,
        standing_revision=1,
        decision_id="decision.1",
        bound_at=at,
    )


def verdict(*obligations: str) -> Verdict:
    """A yes that asks for these obligations."""
    asked = tuple(Obligation(name, f"Say {name}") for name in obligations)
    return Verdict(
        decision_id="decision.2",
        point=DecisionPoint.ASSIGN,
        effect=Effect.ALLOW,
        policy="test",
        policy_revision="1",
        input_hash="sha256:0",
        evaluated_at=NOW,
        obligations=asked,
    )


def offer(number: int = 1, target: str = "agent.b") -> Offer:
    """An offer to ``target``."""
    return Offer(
        offer_id=f"offer.{number}",
        target=target,
        target_owner="team",
        generation=1,
        standing_revision=1,
        decision_id="decision.1",
        deadline=NOW + timedelta(seconds=30),
        context_version=0,
        context_hash="sha256:0",
    )


def handoff(**fields: Any) -> Handoff:
    """A handoff that has just begun, but for ``fields``."""
    made = Handoff(
        handoff_id="handoff.1",
        task_id="task.1",
        correlation_id="corr.1",
        source_binding=binding(3),
        reason="requested",
        requested_by="ann",
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(made, **fields)

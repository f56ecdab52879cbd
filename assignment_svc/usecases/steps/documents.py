"""The documents that policy is asked about, and those that stand in the detail of events."""

from collections.abc import Iterable

from assignment_svc.domain.approval import Approval
from assignment_svc.domain.discovery import Alternative, Evaluation, Requirement
from assignment_svc.domain.gate import Gate
from assignment_svc.domain.states import ApprovalState
from assignment_svc.domain.task import Binding, Task, TaskObligation, TaskSpec
from phoenix_runtime.core.events import denial_document
from phoenix_runtime.core.json import Json
from phoenix_runtime.core.score import Score
from phoenix_runtime.core.standing import Standing
from phoenix_runtime.core.verdict import Verdict, evidence_of


def task_document(spec: TaskSpec, submitter: str) -> dict[str, Json]:
    """A task in the paper's field names. ``submitter`` is who may not approve it."""
    return {
        "task_id": spec.task_id,
        "objective": spec.objective,
        "required_capabilities": list(spec.required_capabilities),
        "data_domains": list(spec.data_domains),
        "risk_level": spec.risk_level.value,
        "degraded_allowed": spec.degraded_allowed,
        "policy_constraints": list(spec.policy_constraints),
        "task_type": spec.task_type,
        "parent_task_id": spec.parent_task_id,
        "input_hash": spec.input_hash,
        "submitter": submitter,
    }


def policy_spec(spec: TaskSpec, submitter: str) -> dict[str, Json]:
    """A task as policy sees it, with what its submitter asked for beside the paper's fields."""
    return {
        **task_document(spec, submitter),
        "priority": spec.priority,
        "deadline_at": spec.deadline_at.isoformat() if spec.deadline_at else "",
        "max_attempts": spec.max_attempts,
        "detached": spec.detached,
    }


def policy_task(task: Task) -> dict[str, Json]:
    """A known task, as policy sees it."""
    return policy_spec(task.spec, task.submitter_participant_id or task.submitter)


def parent_document(parent: Task) -> dict[str, Json]:
    """What policy has to know of the task that another is a child of."""
    return {**policy_task(parent), "assignee": parent.owner_id}


def standing_document(standing: Standing) -> dict[str, Json]:
    """A participant by its grants; nothing of it is self-declared."""
    return {
        "id": standing.participant_id,
        "type": standing.type,
        "owner": standing.owner,
        "status": standing.status.value,
        "capabilities": sorted(standing.grants.capabilities),
        "data_domains": sorted(standing.grants.data_domains),
        "permissions": sorted(standing.grants.permissions),
        "trust_policy": standing.trust_policy,
        "generation": standing.generation,
    }


def gone_document(binding: Binding) -> dict[str, Json]:
    """A source of which nothing is known any more but what it was bound as."""
    return {"id": binding.participant_id, "owner": binding.owner}


def approval_documents(approvals: Iterable[Approval]) -> list[Json]:
    """What humans decided, as policy sees it; open and withdrawn questions are absent.

    So is a yes of somebody whom the worker's own credential enrolled: no rule can count it.
    """
    refused = {ApprovalState.REJECTED, ApprovalState.EXPIRED}
    return [one.document() for one in approvals if one.usable or one.state in refused]


def obligation_documents(obligations: Iterable[TaskObligation]) -> list[Json]:
    """Obligations, for policy."""
    return [
        {
            "id": o.id,
            "text": o.text,
            "due": o.due,
            "met_by": evidence_of(o.due, o.met_by),
            "action": o.action,
            "fulfilled": o.fulfilled,
        }
        for o in obligations
    ]


def score_document(score: Score | None) -> Json:
    """A score with its terms and their sentences."""
    if score is None:
        return None
    terms: list[Json] = [
        {
            "name": term.name,
            "value": round(term.value, 6),
            "weight": term.weight,
            "because": term.because,
        }
        for term in score.terms
    ]
    return {"total": round(score.total, 6), "terms": terms}


def alternative_documents(alternatives: Iterable[Alternative]) -> list[Json]:
    """Those who were not chosen, and why each lost."""
    return [
        {
            "participant_id": one.participant_id,
            "failed": one.failed,
            "because": one.because,
            "score": score_document(one.score),
            "policy_decision_id": one.decision_id,
        }
        for one in alternatives
    ]


def bound_detail(binding: Binding, evaluation: Evaluation, monotonic: float) -> dict[str, Json]:
    """Table 5, *task assigned*: selected, score, alternatives; the age of standing and verdict."""
    return {
        "assignment_id": binding.assignment_id,
        "epoch": binding.epoch,
        "generation": binding.generation,
        "standing_revision": binding.standing_revision,
        "score": score_document(evaluation.score),
        "alternatives": alternative_documents(evaluation.alternatives),
        "standing_age_seconds": round(monotonic - evaluation.standing_asked_at, 3),
        "decision_age_seconds": round(monotonic - evaluation.decision_asked_at, 3),
    }


def gate_document(gate: Gate) -> dict[str, Json]:
    """A gate after the bind: that the seat was there can be read from the audit alone."""
    return {
        "capacity": gate.capacity,
        "used": gate.used,
        "standing_revision": gate.standing_revision,
    }


def requirement_of(task: Task, exclude: Iterable[str] = ()) -> Requirement:
    """What an assignee of the task has to bring."""
    spec = task.spec
    return Requirement(
        task_id=spec.task_id,
        required_capabilities=spec.required_capabilities,
        data_domains=spec.data_domains,
        risk_level=spec.risk_level,
        policy_constraints=spec.policy_constraints,
        correlation_id=task.correlation_id,
        degraded_allowed=spec.degraded_allowed,
        task_type=spec.task_type,
        exclude=tuple(exclude),
    )


def denial_detail(verdict: Verdict, **more: Json) -> dict[str, Json]:
    """Table 5, *policy denied*: policy, decision, explanation, remediation path."""
    return {**denial_document(verdict), **more}

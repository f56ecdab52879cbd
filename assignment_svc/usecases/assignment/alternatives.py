"""Why a candidate was not chosen: each becomes an `Alternative` that names the failed conjunct."""

from collections.abc import Iterable, Sequence

from assignment_svc.domain.discovery import Alternative, Evaluation, Ranked
from assignment_svc.domain.gate import Gate, full
from assignment_svc.domain.predicates import CandidateLost
from assignment_svc.domain.task import Exclusion, Task
from assignment_svc.usecases.steps.suspects import apart
from phoenix_runtime.core.errors import NoEligibleParticipant


def outscored(others: Sequence[Ranked], best: Ranked) -> tuple[Alternative, ...]:
    """Those behind the candidate that is tried now: by score, or because they failed it before."""
    return tuple(
        Alternative(
            one.candidate.participant_id,
            "score",
            f"{one.score.total:.3f} against {best.score.total:.3f}{_after(one, best)}",
            one.score,
        )
        for one in others
    )


def _after(one: Ranked, best: Ranked) -> str:
    if one.failed_before and not best.failed_before:
        return "; it failed this task before, others are tried first"
    if one.crowded and not best.crowded:
        return "; other tasks are about to take its seats"
    return ""


def passed_over(others: Iterable[Ranked], approved: Ranked) -> tuple[Alternative, ...]:
    """The others where a human has approved one candidate, whatever they would score now."""
    return tuple(
        Alternative(
            one.candidate.participant_id,
            "score",
            f"{one.score.total:.3f} against {approved.score.total:.3f}, which was approved",
            one.score,
        )
        for one in others
        if one is not approved
    )


def rejected_candidate(ranked: Ranked, loss: CandidateLost, evaluation: Evaluation) -> Alternative:
    """A candidate that was tried and lost."""
    denied = loss.failed == "policy_allows"
    return Alternative(
        ranked.candidate.participant_id,
        loss.failed,
        loss.because,
        ranked.score,
        evaluation.verdict.decision_id if denied else "",
    )


def backing_off(entry: Exclusion) -> Alternative:
    """A participant that is not asked yet, or not any more."""
    until = f" until {entry.excluded_until:%H:%M:%S}" if entry.excluded_until else ""
    because = entry.because or f"{entry.reason}; left out{until}"
    return Alternative(entry.participant_id, "backing_off", because, decision_id=entry.decision_id)


def no_seat(gate: Gate) -> Alternative:
    """A participant whose gate is known to refuse a bind."""
    if gate.marked:
        return Alternative(gate.participant_id, "active", "it is leaving for ever")
    because = full(gate.capacity)
    return Alternative(gate.participant_id, "capacity", because)


def nobody(task: Task, lost: Iterable[Alternative]) -> NoEligibleParticipant:
    """The refusal that names the failed conjunct of every candidate."""
    facts = {one.participant_id: one.failed for one in lost}
    conjuncts = ", ".join(f"{name}: {failed}" for name, failed in sorted(facts.items()))
    text = (
        f"Nobody can take {task.task_id} now; it stays pending ({conjuncts or 'nobody is there'})"
    )
    return NoEligibleParticipant(text, {"task_id": task.task_id, **facts})


def kept_apart(participant_id: str, other: str) -> Alternative:
    """A participant with another task from which this one is kept apart."""
    loss = apart(other)
    return Alternative(participant_id, loss.failed, loss.because)

"""Discovery (Algorithm 2): the requirement, eligible candidates, and why others are excluded."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from phoenix_runtime.core.events import ReasonCode
from phoenix_runtime.core.json import Json, JsonObject, content_hash
from phoenix_runtime.core.pages import PageRequest, page_request
from phoenix_runtime.core.receipt import Receipt
from phoenix_runtime.core.score import Score
from phoenix_runtime.core.standing import ParticipantStatus, RiskLevel, Standing
from phoenix_runtime.core.verdict import Verdict
from registry_svc.domain.checks import MOST_NAMES, Checks
from registry_svc.domain.participant import Participant

FIRST_BATCH: Final = 10
"""Candidates in the first evaluation request to policy, or a page of them where that is more."""
BATCH: Final = 64
"""Candidates in one evaluation request to policy at most."""
MAX_EXCLUDED: Final = 50
CANDIDATE_BYTES: Final = 4096
"""A candidate without the texts of its grants and its verdict: ids, scores, instants."""
DEGRADED_ALLOWED: Final = "degraded_allowed"
"""The constraint by which a task's policy permits DEGRADED participants."""
MAX_EXCLUSIONS: Final = 4 * MOST_NAMES
"""Participants that a caller may leave out."""
CONJUNCTS: Final = frozenset({"active", "capability_match", "trust_ok", "capacity"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """What a task requires: **all** capabilities and **every** domain have to be granted."""

    required_capabilities: Sequence[str] = ()
    data_domains: Sequence[str] = ()
    risk_level: RiskLevel = RiskLevel.LOW
    policy_constraints: Sequence[str] = ()
    task_id: str = ""
    task_type: str = ""
    exclude: Sequence[str] = ()

    @property
    def statuses(self) -> frozenset[ParticipantStatus]:
        """The states in which a participant is eligible."""
        if DEGRADED_ALLOWED in self.policy_constraints:
            return frozenset({ParticipantStatus.ACTIVE, ParticipantStatus.DEGRADED})
        return frozenset({ParticipantStatus.ACTIVE})

    def document(self) -> dict[str, Json]:
        """The requirement as policy and the audit read it."""
        return {
            "required_capabilities": list(self.required_capabilities),
            "data_domains": list(self.data_domains),
            "risk_level": self.risk_level.value,
            "policy_constraints": list(self.policy_constraints),
            "task_id": self.task_id,
            "task_type": self.task_type,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A checked request; ``engine_try`` where the assignment engine asks on its own."""

    requirement: Requirement
    page: PageRequest
    engine_try: bool = False
    correlation_id: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An eligible participant and its rank."""

    standing: Standing
    verdict: Verdict
    rank: Score
    certified: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Excluded:
    """An excluded participant and the conjunct of Assignable that failed."""

    participant_id: str
    failed: str
    because: str
    policy_decision_id: str = ""


@dataclass(frozen=True, slots=True)
class DiscoveryResult:
    """Candidates best first, excluded participants, and the receipt of the audit event."""

    candidates: tuple[Candidate, ...]
    excluded: tuple[Excluded, ...]
    next_token: str = ""
    receipt: Receipt | None = None


def parse_search(requirement: Requirement, options: "SearchOptions") -> Search:
    """Check a search and return it; raises `FieldInvalid` with all violations."""
    checks = Checks()
    checks.names("required_capabilities", requirement.required_capabilities)
    checks.names("data_domains", requirement.data_domains)
    checks.names("policy_constraints", requirement.policy_constraints)
    for field, value in (
        ("task_id", requirement.task_id),
        ("correlation_id", options.correlation_id),
    ):
        if value:
            checks.identifier(field, value)
    if requirement.task_type:
        checks.name("task_type", requirement.task_type)
    _exclusions(checks, requirement.exclude)
    checks.raise_any()
    filters: Json = [requirement.document(), list(requirement.exclude)]
    return Search(
        requirement=requirement,
        page=page_request(options.page_size, options.page_token, filters),
        engine_try=options.engine_try,
        correlation_id=options.correlation_id,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOptions:
    """The page that is asked for, and on whose behalf."""

    page_size: int = 0
    page_token: str = ""
    engine_try: bool = False
    correlation_id: str = ""


def permitting_degraded(requirement: Requirement) -> Requirement:
    """``requirement`` with the constraint that permits DEGRADED participants."""
    if DEGRADED_ALLOWED in requirement.policy_constraints:
        return requirement
    return replace(
        requirement, policy_constraints=(*requirement.policy_constraints, DEGRADED_ALLOWED)
    )


def candidate_bytes(participant: Participant, verdict: Verdict) -> int:
    """About what a candidate takes in an answer: its grants and what policy said of it."""
    grants = participant.grants
    names = [*grants.capabilities, *grants.data_domains, *grants.permissions]
    refused = [text for one in grants.refused for text in (one.kind, one.name, one.reason)]
    said = [text for one in verdict.reasons for text in (one.rule, one.text)]
    texts = [*names, *refused, *said, *verdict.remediation, *verdict.approvers]
    return CANDIDATE_BYTES + sum(len(text.encode()) + 8 for text in texts)


def excluded_by_policy(participant_id: str, verdict: Verdict) -> Excluded:
    """Exclusion by policy, under the first conjunct of Assignable that its reasons name."""
    for reason in verdict.reasons:
        if reason.rule in CONJUNCTS:
            return Excluded(participant_id, reason.rule, reason.text, verdict.decision_id)
    because = verdict.explanation or "Policy does not allow it."
    return Excluded(participant_id, "policy_allows", because, verdict.decision_id)


def matches(participant: Participant, requirement: Requirement) -> bool:
    """Whether a participant is granted all that is required, in an eligible state.

    `domain.discovery_index.TenantIndex.ranked` finds the same ones.
    """
    grants, task_types = participant.grants, participant.declaration.task_types
    return (
        participant.status in requirement.statuses
        and grants.capabilities.issuperset(requirement.required_capabilities)
        and grants.data_domains.issuperset(requirement.data_domains)
        and (not requirement.task_type or not task_types or requirement.task_type in task_types)
    )


def excluded_by_filter(participant: Participant, requirement: Requirement) -> Excluded:
    """Exclusion before policy was asked: the first condition of `matches` that failed."""
    missing = sorted(set(requirement.required_capabilities) - participant.grants.capabilities)
    if missing:
        text = f"{participant.id} is not granted {', '.join(missing)}."
        return Excluded(participant.id, "capability_match", text)
    if participant.status not in requirement.statuses:
        text = f"{participant.id} {_state(participant)}."
        return Excluded(participant.id, "active", text)
    foreign = sorted(set(requirement.data_domains) - participant.grants.data_domains)
    if foreign:
        text = f"{participant.id} is not granted the data domains {', '.join(foreign)}."
        return Excluded(participant.id, "policy_allows", text)
    text = f"{participant.id} declares no tasks of type {requirement.task_type}."
    return Excluded(participant.id, "capability_match", text)


def _state(participant: Participant) -> str:
    if participant.status_reason == ReasonCode.PARTICIPANT_LEFT:
        return "has left"
    return f"is {participant.status.value}"


def audit_detail(requirement: Requirement, found: DiscoveryResult) -> JsonObject:
    """The detail of DISCOVERY_COMPLETED: request, candidates by rank, excluded with the reason."""
    return {
        "request": requirement.document(),
        "candidates": [
            {
                "participant_id": candidate.standing.participant_id,
                "rank": round(candidate.rank.total, 6),
                "policy_decision_id": candidate.verdict.decision_id,
                "trust": candidate.verdict.trust,
            }
            for candidate in found.candidates
        ],
        "excluded": [
            {
                "participant_id": one.participant_id,
                "failed": one.failed,
                "because": one.because,
                "policy_decision_id": one.policy_decision_id,
            }
            for one in found.excluded
        ],
    }


def result_hash(candidates: Iterable[Candidate], excluded: Iterable[Excluded]) -> str:
    """A hash of a result without its order: a change of load alone makes no new result."""
    return content_hash(
        [
            sorted(candidate.standing.participant_id for candidate in candidates),
            sorted([one.participant_id, one.failed] for one in excluded),
        ]
    )


def _exclusions(checks: Checks, exclude: Sequence[str]) -> None:
    most = MAX_EXCLUSIONS
    if len(exclude) > most:
        checks.refuse("exclude", f"has {len(exclude)} entries; at most {most} are taken")
        return
    for index, participant_id in enumerate(exclude):
        checks.identifier(f"exclude[{index}]", participant_id)

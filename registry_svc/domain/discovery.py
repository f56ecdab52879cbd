"""Who can do this (Algorithm 2): what is asked for, who came near, who is eligible."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from phoenix_runtime.core.json import Json, JsonObject, content_hash
from phoenix_runtime.core.pages import PageRequest, page_request
from phoenix_runtime.core.receipt import Receipt
from phoenix_runtime.core.score import Score
from phoenix_runtime.core.standing import ParticipantStatus, RiskLevel, Standing
from phoenix_runtime.core.verdict import Verdict
from registry_svc.domain.checks import MOST_NAMES, Checks
from registry_svc.domain.participant import Participant

BATCH: Final = 64
"""Candidates in one question to policy."""
MOST_EXCLUDED: Final = 50
DEGRADED_ALLOWED: Final = "degraded_allowed"
"""The constraint by which a task's policy permits DEGRADED participants."""
CONJUNCTS: Final = frozenset({"active", "capability_match", "trust_ok", "capacity"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What is needed: **all** capabilities and **every** domain have to be granted."""

    required_capabilities: Sequence[str] = ()
    data_domains: Sequence[str] = ()
    risk_level: RiskLevel = RiskLevel.LOW
    policy_constraints: Sequence[str] = ()
    task_id: str = ""
    task_type: str = ""
    exclude: Sequence[str] = ()

    @property
    def statuses(self) -> frozenset[ParticipantStatus]:
        """The states in which a participant will do."""
        if DEGRADED_ALLOWED in self.policy_constraints:
            return frozenset({ParticipantStatus.ACTIVE, ParticipantStatus.DEGRADED})
        return frozenset({ParticipantStatus.ACTIVE})

    def document(self) -> dict[str, Json]:
        """As policy and the audit read it."""
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
    """A parsed request: the need, the page, and whether the engine tries on its own."""

    need: Need
    page: PageRequest
    engine_try: bool = False
    correlation_id: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A participant that is eligible, and how it ranks."""

    standing: Standing
    verdict: Verdict
    rank: Score
    certified: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Excluded:
    """A participant that is not, and the conjunct that failed."""

    participant_id: str
    failed: str
    because: str
    policy_decision_id: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """The answer: candidates best first, those that came near, the proof."""

    candidates: tuple[Candidate, ...]
    excluded: tuple[Excluded, ...]
    next_token: str = ""
    receipt: Receipt | None = None


def parse_search(need: Need, search: "Wanted") -> Search:
    """The search, once nothing is wrong with it; raises `FieldInvalid` with all violations."""
    checks = Checks()
    checks.names("required_capabilities", need.required_capabilities)
    checks.names("data_domains", need.data_domains)
    checks.names("policy_constraints", need.policy_constraints)
    for field, value in (("task_id", need.task_id), ("correlation_id", search.correlation_id)):
        if value:
            checks.identifier(field, value)
    if need.task_type:
        checks.name("task_type", need.task_type)
    _exclusions(checks, need.exclude)
    checks.raise_any()
    filters: Json = [need.document(), list(need.exclude)]
    return Search(
        need=need,
        page=page_request(search.page_size, search.page_token, filters),
        engine_try=search.engine_try,
        correlation_id=search.correlation_id,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How the answer is wanted."""

    page_size: int = 0
    page_token: str = ""
    degraded_allowed: bool = False
    engine_try: bool = False
    correlation_id: str = ""


def permitting_degraded(need: Need) -> Need:
    """The need with the constraint that permits DEGRADED participants."""
    if DEGRADED_ALLOWED in need.policy_constraints:
        return need
    return replace(need, policy_constraints=(*need.policy_constraints, DEGRADED_ALLOWED))


def excluded_by(participant_id: str, verdict: Verdict) -> Excluded:
    """Why policy leaves a candidate out: the first conjunct of Assignable that its reasons name."""
    for reason in verdict.reasons:
        if reason.rule in CONJUNCTS:
            return Excluded(participant_id, reason.rule, reason.text, verdict.decision_id)
    because = verdict.explanation or "Policy does not allow it."
    return Excluded(participant_id, "policy_allows", because, verdict.decision_id)


def excluded_before(participant: Participant, need: Need) -> Excluded:
    """Why a participant that came near never reached policy."""
    missing = sorted(set(need.required_capabilities) - participant.grants.capabilities)
    if missing:
        text = f"{participant.id} is not granted {', '.join(missing)}."
        return Excluded(participant.id, "capability_match", text)
    if participant.status not in need.statuses:
        text = f"{participant.id} is {participant.status.value}."
        return Excluded(participant.id, "active", text)
    foreign = sorted(set(need.data_domains) - participant.grants.data_domains)
    if foreign:
        text = f"{participant.id} is not granted the data domains {', '.join(foreign)}."
        return Excluded(participant.id, "policy_allows", text)
    text = f"{participant.id} is not made for tasks of type {need.task_type}."
    return Excluded(participant.id, "capability_match", text)


def audit_detail(need: Need, found: Found) -> JsonObject:
    """DISCOVERY_COMPLETED: request, candidates in rank order, excluded with the reason."""
    return {
        "request": need.document(),
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
    """What an engine's try found, without the order: load alone makes no new result."""
    return content_hash(
        [
            sorted(candidate.standing.participant_id for candidate in candidates),
            sorted([one.participant_id, one.failed] for one in excluded),
        ]
    )


def _exclusions(checks: Checks, exclude: Sequence[str]) -> None:
    most = MOST_NAMES * 4
    if len(exclude) > most:
        checks.refuse("exclude", f"has {len(exclude)} entries; at most {most} are taken")
        return
    for index, participant_id in enumerate(exclude):
        checks.identifier(f"exclude[{index}]", participant_id)

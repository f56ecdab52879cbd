"""In-process peers of assignment that follow its ports, record every question, and can be steered.

``before`` holds a barrier or a change to be made at an exact point: it is awaited once, right
before the peer answers the next question of that name.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from assignment_svc.domain.approval import ApprovalAnswer, ApprovalQuestion
from assignment_svc.domain.discovery import Alternative, Candidate, Discovery, Requirement
from assignment_svc.domain.retirement import Retirement
from assignment_svc.domain.states import ApprovalState
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.errors import NotFound
from phoenix_runtime.core.events import ReasonCode
from phoenix_runtime.core.json import JsonObject, content_hash
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.standing import Liveness, ParticipantStatus, Standing
from phoenix_runtime.core.verdict import DecisionPoint, Effect, Grants, Verdict
from tests.support.fakes.policy import RecordingPolicy

Hook = Callable[[], Awaitable[None]]
CAPABILITIES = frozenset({"duplicate_detection", "customer_validation"})
DOMAINS = frozenset({"customer", "customer_master"})


@dataclass
class ScriptedPolicy(RecordingPolicy):
    """`RecordingPolicy` with a barrier before each point."""

    before: dict[DecisionPoint, Hook] = field(default_factory=dict)

    async def evaluate(
        self, call: Call, point: DecisionPoint, inputs: Sequence[JsonObject]
    ) -> tuple[Verdict, ...]:
        """One verdict an input; the barrier of the point first."""
        verdicts = await super().evaluate(call, point, inputs)
        if point in self.before:
            await self.before.pop(point)()
        return verdicts


@dataclass
class FakeRegistry:
    """Implements `domain.ports.Registry` over standings that tests move by hand."""

    clock: Clock
    policy: ScriptedPolicy
    people: dict[str, Standing] = field(default_factory=dict)
    before: dict[str, Hook] = field(default_factory=dict)
    records: dict[str, JsonObject] = field(default_factory=dict)
    away: Exception | None = None
    asked: list[tuple[str, ...]] = field(default_factory=list)
    """Whose standings each call asked for."""

    def join(self, participant_id: str, *, capacity: int = 1, **fields: Any) -> Standing:
        """Register somebody, ACTIVE and granted everything that tests ask for."""
        known = self.people.get(participant_id)
        standing = Standing(
            participant_id=participant_id,
            status=ParticipantStatus.ACTIVE,
            standing_revision=known.standing_revision + 1 if known else 1,
            generation=known.generation + 1 if known else 1,
            type="agent",
            owner="data-governance",
            capacity=capacity,
            grants=Grants(CAPABILITIES, DOMAINS, frozenset({"read_customer_master"})),
            liveness=Liveness.LEASED,
        )
        self.people[participant_id] = replace(standing, **fields)
        return self.people[participant_id]

    def change(self, participant_id: str, **fields: Any) -> Standing:
        """Move somebody's standing on by one revision."""
        known = self.people[participant_id]
        revision = known.standing_revision + 1
        self.people[participant_id] = replace(known, standing_revision=revision, **fields)
        return self.people[participant_id]

    async def discover(self, call: Call, requirement: Requirement) -> Discovery:
        """By status, capabilities, domains, then policy: as the registry filters."""
        await self._at("discover")
        asked_at = self.clock.monotonic()
        candidates: list[Candidate] = []
        excluded: list[Alternative] = []
        for standing in self.people.values():
            if standing.participant_id in requirement.exclude:
                continue
            failed = _shortfall(standing, requirement)
            if failed:
                excluded.append(Alternative(standing.participant_id, failed, f"no {failed}"))
                continue
            question = {
                "candidate": {"id": standing.participant_id},
                "requirement": {"task_id": requirement.task_id},
            }
            (verdict,) = await self.policy.evaluate(call, DecisionPoint.DISCOVER, [question])
            if verdict.allowed:
                candidates.append(Candidate(standing, verdict))
            else:
                because = verdict.explanation
                excluded.append(Alternative(standing.participant_id, "policy_allows", because))
        return Discovery(tuple(candidates), tuple(excluded), asked_at)

    async def standings(
        self, call: Call, participant_ids: Collection[str]
    ) -> Mapping[str, Standing]:
        """Present standings."""
        await self._at("standings")
        self.asked.append(tuple(sorted(participant_ids)))
        return {name: self.people[name] for name in participant_ids if name in self.people}

    async def begin_retirement(self, call: Call, retirement: Retirement) -> Standing:
        """RETIRING; again is harmless."""
        await self._at("begin_retirement")
        who = retirement.participant_id
        if self.people[who].status not in {ParticipantStatus.RETIRING, ParticipantStatus.RETIRED}:
            self.change(who, status=ParticipantStatus.RETIRING)
        return self.people[who]

    async def finish_retirement(self, call: Call, retirement: Retirement) -> None:
        """RETIRED; again is harmless."""
        await self._at("finish_retirement")
        who = retirement.participant_id
        self.records[who] = retirement.record
        if self.people[who].status is not ParticipantStatus.RETIRED:
            self.change(who, status=ParticipantStatus.RETIRED)

    async def _at(self, name: str) -> None:
        if self.away is not None:
            raise self.away
        if name in self.before:
            await self.before.pop(name)()


def _shortfall(standing: Standing, wanted: Requirement) -> str:
    if not standing.eligible(degraded_allowed=wanted.degraded_allowed):
        return "active"
    if not standing.grants.capabilities.issuperset(wanted.required_capabilities):
        return "capability_match"
    if not standing.grants.data_domains.issuperset(wanted.data_domains):
        return "policy_allows"
    return ""


@dataclass
class FakeApprovals:
    """Implements `domain.ports.ApprovalService`: the same subject asked twice is one question."""

    questions: dict[str, ApprovalQuestion] = field(default_factory=dict)
    answers: dict[str, ApprovalAnswer] = field(default_factory=dict)
    read_together: list[tuple[str, ...]] = field(default_factory=list)
    """The ids of each call that read several."""
    before: dict[str, Hook] = field(default_factory=dict)

    async def request(self, call: Call, question: ApprovalQuestion) -> ApprovalAnswer:
        """Ask; what is open or decided about the same subject answers, unless superseded."""
        await self._at("request")
        hashed = content_hash(question.subject)
        for approval_id, known in self.questions.items():
            answer = self.answers[approval_id]
            same = (known.task_id, known.action, answer.subject_hash) == (
                question.task_id,
                question.action,
                hashed,
            )
            spent = answer.state is not ApprovalState.PENDING and (
                approval_id == question.supersedes
            )
            if same and not spent and answer.state is not ApprovalState.CANCELLED:
                return answer
        approval_id = new_id("approval")
        self.questions[approval_id] = question
        self.answers[approval_id] = ApprovalAnswer(approval_id, ApprovalState.PENDING, hashed)
        return self.answers[approval_id]

    async def read(self, call: Call, approval_id: str) -> ApprovalAnswer:
        """What has been decided."""
        await self._at("read")
        if approval_id not in self.answers:
            raise NotFound("approval", approval_id)
        return self.answers[approval_id]

    async def read_all(
        self, call: Call, approval_ids: Collection[str]
    ) -> Mapping[str, ApprovalAnswer]:
        """What has been decided about these."""
        await self._at("read")
        self.read_together.append(tuple(sorted(approval_ids)))
        return {one: self.answers[one] for one in approval_ids if one in self.answers}

    async def cancel(self, call: Call, approval_id: str, reason: str) -> None:
        """Withdraw an open question."""
        await self._at("cancel")
        if self.answers[approval_id].state is ApprovalState.PENDING:
            self._decide(approval_id, state=ApprovalState.CANCELLED)

    def decide(
        self, approval_id: str, *, yes: bool, by: str = "human.1", comment: str = ""
    ) -> None:
        """A human speaks."""
        question = self.questions[approval_id]
        assert by not in question.barred
        state = ApprovalState.APPROVED if yes else ApprovalState.REJECTED
        said = comment or "because"
        self._decide(approval_id, state=state, decided_by=by, comment=said)

    def descend(self, approval_id: str, *credentials: str) -> None:
        """The human who spoke holds the first credential, made through the others."""
        known = self.answers[approval_id]
        self.answers[approval_id] = replace(known, decider_credentials=credentials)

    def open_about(self, task_id: str, action: str) -> str:
        """The id of the one open question about a task's action."""
        (found,) = [
            approval_id
            for approval_id, question in self.questions.items()
            if (question.task_id, question.action) == (task_id, action)
            and self.answers[approval_id].state is ApprovalState.PENDING
        ]
        return found

    def _decide(self, approval_id: str, **fields: Any) -> None:
        assert self.answers[approval_id].state is ApprovalState.PENDING
        self.answers[approval_id] = replace(self.answers[approval_id], **fields)

    async def _at(self, name: str) -> None:
        if name in self.before:
            await self.before.pop(name)()


@dataclass
class FakeAccessLog:
    """Implements `core.ports.AccessLog`."""

    refusals: list[tuple[str, str, JsonObject]] = field(default_factory=list)

    async def refused(
        self,
        call: Call,
        what: str,
        facts: JsonObject,
        reason: ReasonCode = ReasonCode.CREDENTIAL_MISUSED,
    ) -> None:
        """Remember it."""
        self.refusals.append((call.actor, what, facts))


def needs_human(*points: DecisionPoint) -> Callable[[DecisionPoint, Any], dict[str, Any]]:
    """A policy that wants a human at ``points``, as the bundle's gates do: bound to the subject."""

    def answer(point: DecisionPoint, question: Any) -> dict[str, Any]:
        if point not in points:
            return {"trust": 0.6}
        about = [
            one for one in question["approvals"] if one["subject_hash"] == question["subject_hash"]
        ]
        if any(one["status"] in {"rejected", "expired"} for one in about):
            return {"effect": Effect.DENY}
        good = [
            one
            for one in about
            if one["status"] == "approved"
            and one["decider"]["type"] == "human"
            and one["decider"]["status"] != "suspended"
        ]
        if good:
            return {"trust": 0.6}
        return {"effect": Effect.REQUIRE_APPROVAL, "approvers": ("reviewer",), "trust": 0.6}

    return answer

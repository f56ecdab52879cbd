"""Asks policy one question about many inputs (governance: One question, one answer)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from governance_svc.domain.policy.caller import caller_document
from governance_svc.domain.policy.engine import PolicyEngine
from governance_svc.domain.policy.verdicts import Stamp, read_verdicts
from governance_svc.domain.trust.queries import EXPLAINING, TrustQuestion, trust_question
from governance_svc.usecases.policy.cached_decisions import RecentAnswers
from governance_svc.usecases.trust.assess_trust import Assessment, AssessTrust
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.errors import FieldInvalid, Violation
from phoenix_runtime.core.ids import NewId
from phoenix_runtime.core.json import Json, JsonObject, NotCanonical, content_hash
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import DecisionPoint, Verdict

LARGEST_BATCH = 256
"""Inputs of one question."""


class EvaluatePolicies:
    """Implements `core.ports.Policy`: the engine of this very service, asked without a detour."""

    def __init__(
        self, engine: PolicyEngine, trust: AssessTrust, clock: Clock, new_id: NewId
    ) -> None:
        self._engine = RecentAnswers(engine, clock)
        self._trust = trust
        self._clock = clock
        self._new_id = new_id

    async def evaluate(
        self, call: Call, point: DecisionPoint, inputs: Sequence[JsonObject]
    ) -> tuple[Verdict, ...]:
        """See `__call__`."""
        return await self(call, point, inputs)

    async def __call__(
        self, call: Call, point: DecisionPoint, inputs: Sequence[JsonObject]
    ) -> tuple[Verdict, ...]:
        """One verdict an input, in order, all against one revision.

        Governance adds the caller, and trust with certifications where the point judges them; what
        an input says of those itself counts for nothing. Raises `PolicyEngineUnavailable`,
        `FieldInvalid` and `Unavailable`.
        """
        if len(inputs) > LARGEST_BATCH:
            text = f"at most {LARGEST_BATCH}, not {len(inputs)}"
            raise FieldInvalid([Violation("inputs", text)])
        assessments = await self._assess(call.tenant, point, inputs)
        caller = caller_document(call)
        questions = [
            _completed(one, caller, assessments.get(index)) for index, one in enumerate(inputs)
        ]
        hashes = [_hash(index, question) for index, question in enumerate(questions)]
        evaluation = await self._engine.evaluate(point, questions, hashes)
        stamps = self._stamps(point, evaluation.revision, hashes)
        verdicts = read_verdicts(evaluation.answer, stamps)
        if point not in EXPLAINING:
            return verdicts
        return tuple(_explained(v, assessments.get(i)) for i, v in enumerate(verdicts))

    async def _assess(
        self, tenant: str, point: DecisionPoint, inputs: Sequence[JsonObject]
    ) -> dict[int, Assessment]:
        """The trust that each input needs, by its index."""
        asked: dict[int, TrustQuestion] = {}
        for index, one in enumerate(inputs):
            question = trust_question(point, one)
            if question is not None:
                asked[index] = question
        if not asked:
            return {}
        found = await self._trust(tenant, list(asked.values()))
        return dict(zip(asked, found, strict=True))

    def _stamps(self, point: DecisionPoint, revision: str, hashes: Sequence[str]) -> list[Stamp]:
        now: datetime = self._clock.now()
        return [Stamp(point, self._new_id("opa.dec"), revision, each, now) for each in hashes]


def _completed(
    question: JsonObject, caller: JsonObject, assessment: Assessment | None
) -> dict[str, Json]:
    completed: dict[str, Json] = {**question, "caller": caller}
    completed.pop("trust", None)
    if assessment is not None:
        completed["trust"] = assessment.input()
    return completed


def _hash(index: int, question: Mapping[str, Json]) -> str:
    try:
        return content_hash(question)
    except NotCanonical as error:
        raise FieldInvalid([Violation(f"inputs[{index}]", str(error))]) from error


def _explained(verdict: Verdict, assessment: Assessment | None) -> Verdict:
    if assessment is None:
        return verdict
    return replace(verdict, facts={**verdict.facts, "trust": assessment.terms()})

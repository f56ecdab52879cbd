"""Evaluates policy for a batch of inputs at one decision point (governance.md, first section)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from governance_svc.domain.policy.caller import caller_document
from governance_svc.domain.policy.verdicts import DecisionStamp, read_verdicts
from governance_svc.domain.trust.queries import EXPLAINED, TrustQuery, trust_query
from governance_svc.usecases.policy.cached_decisions import CachedDecisions
from governance_svc.usecases.trust.assess_trust import Assessment, AssessTrust
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.errors import FieldInvalid, Violation
from phoenix_runtime.core.ids import NewId
from phoenix_runtime.core.json import Json, JsonObject, NotCanonical, content_hash
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import DecisionPoint, Verdict

MAX_INPUTS = 256
"""The largest batch."""


class EvaluatePolicies:
    """Implements `core.ports.Policy` with the engine of this very service, without the wire."""

    def __init__(
        self, decisions: CachedDecisions, trust: AssessTrust, clock: Clock, new_id: NewId
    ) -> None:
        self._decisions = decisions
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
        """One verdict for each input, in order, all against one revision.

        Governance adds the caller, and trust with certifications where the point judges them;
        whatever an input itself says of these is ignored. Raises `PolicyEngineUnavailable`,
        `FieldInvalid` and `Unavailable`.
        """
        if len(inputs) > MAX_INPUTS:
            text = f"at most {MAX_INPUTS}, not {len(inputs)}"
            raise FieldInvalid([Violation("inputs", text)])
        assessments = await self._assess(call, point, inputs)
        caller = caller_document(call)
        completed = [
            _completed(one, caller, assessments.get(index)) for index, one in enumerate(inputs)
        ]
        hashes = [_hash(index, one) for index, one in enumerate(completed)]
        evaluation = await self._decisions.evaluate(point, completed, hashes)
        verdicts = read_verdicts(
            evaluation.answer, self._stamps(point, evaluation.revision, hashes)
        )
        if point not in EXPLAINED:
            return verdicts
        return tuple(_explained(v, assessments.get(i)) for i, v in enumerate(verdicts))

    async def _assess(
        self, call: Call, point: DecisionPoint, inputs: Sequence[JsonObject]
    ) -> dict[int, Assessment]:
        """The trust that each input needs, by its index."""
        queries: dict[int, TrustQuery] = {}
        for index, one in enumerate(inputs):
            query = trust_query(point, one)
            if query is not None:
                queries[index] = query
        if not queries:
            return {}
        assessments = await self._trust(call, list(queries.values()))
        return dict(zip(queries, assessments, strict=True))

    def _stamps(
        self, point: DecisionPoint, revision: str, hashes: Sequence[str]
    ) -> list[DecisionStamp]:
        now = self._clock.now()
        return [
            DecisionStamp(point, self._new_id("opa.dec"), revision, input_hash, now)
            for input_hash in hashes
        ]


def _completed(
    policy_input: JsonObject, caller: JsonObject, assessment: Assessment | None
) -> dict[str, Json]:
    completed: dict[str, Json] = {**policy_input, "caller": caller}
    completed.pop("trust", None)
    if assessment is not None:
        completed["trust"] = assessment.input()
    return completed


def _hash(index: int, policy_input: Mapping[str, Json]) -> str:
    try:
        return content_hash(policy_input)
    except NotCanonical as error:
        raise FieldInvalid([Violation(f"inputs[{index}]", str(error))]) from error


def _explained(verdict: Verdict, assessment: Assessment | None) -> Verdict:
    if assessment is None:
        return verdict
    return replace(verdict, facts={**verdict.facts, "trust": assessment.terms()})

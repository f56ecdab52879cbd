"""Evaluates policy for a batch of inputs at one decision point (governance.md, first section)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from governance_svc.domain.catalogue.catalogue import Catalogue
from governance_svc.domain.policy.caller import caller_document
from governance_svc.domain.policy.input_hashes import input_hashes
from governance_svc.domain.policy.verdicts import DecisionStamp, read_verdicts
from governance_svc.domain.policy.visible_content import hidden_paths, visible
from governance_svc.domain.trust.queries import EXPLAINED, TrustQuery, trust_query
from governance_svc.usecases.policy.tenant_policies import LoadedPolicy, TenantPolicies
from governance_svc.usecases.trust.assess_trust import Assessment, AssessTrust
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.errors import FieldInvalid, PolicyEngineUnavailable, Violation
from phoenix_runtime.core.ids import NewId
from phoenix_runtime.core.json import Json, JsonObject, NotCanonical
from phoenix_runtime.core.policy_inputs.shapes import Path, dotted
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import DecisionPoint, Effect, Reason, Verdict

MAX_INPUTS = 256
"""The largest batch."""


REVISIONS = 5
"""How often a decision begins anew because another revision was activated meanwhile."""
MOST_NAMED = 5


class InputNeeded(Exception):
    """Rules may read ``parts``, which the asker left out of the inputs: nothing was decided."""

    def __init__(self, parts: Sequence[str]) -> None:
        super().__init__(", ".join(parts))
        self.parts = tuple(parts)


@dataclass(frozen=True, slots=True)
class _Decided:
    """The raw answer of one policy, the inputs as it was shown them, and their hashes."""

    policy: LoadedPolicy
    inputs: Sequence[JsonObject]
    hashes: Sequence[str]
    answer: Json

    @property
    def revision(self) -> str:
        """The revision that decided."""
        return self.policy.bundle.revision


class EvaluatePolicies:
    """Implements `core.ports.Policy` with the engine of this very service, without the wire."""

    def __init__(
        self, policies: TenantPolicies, trust: AssessTrust, clock: Clock, new_id: NewId
    ) -> None:
        self._policies = policies
        self._trust = trust
        self._clock = clock
        self._new_id = new_id

    async def evaluate(
        self, call: Call, point: DecisionPoint, inputs: Sequence[JsonObject]
    ) -> tuple[Verdict, ...]:
        """See `__call__`."""
        return await self(call, point, inputs)

    async def __call__(
        self,
        call: Call,
        point: DecisionPoint,
        inputs: Sequence[JsonObject],
        left_out: Sequence[str] = (),
    ) -> tuple[Verdict, ...]:
        """One verdict for each input, in order, all against one revision.

        Content is shown within bounds and without what the catalogue marks as secret; where a rule
        needs what is hidden, the answer is a denial. Governance adds the caller, and trust with
        certifications where the point judges them; whatever an input itself says of these is
        ignored. ``left_out`` are parts that the inputs lack (`MAY_BE_LEFT_OUT`). Raises
        `InputNeeded`, `PolicyEngineUnavailable`, `FieldInvalid` and `Unavailable`.
        """
        if len(inputs) > MAX_INPUTS:
            text = f"at most {MAX_INPUTS}, not {len(inputs)}"
            raise FieldInvalid([Violation("inputs", text)])
        assessments = await self._assess(call, point, inputs)
        caller = caller_document(call)
        completed = [_completed(one, caller, assessments.get(i)) for i, one in enumerate(inputs)]
        decided = await self._decide(call.tenant, point, completed, left_out)
        stamps = self._stamps(point, decided.revision, decided.hashes)
        verdicts = tuple(
            _needing(verdict, decided.policy.tests.reads.hidden_from(point, hidden_paths(shown)))
            for verdict, shown in zip(
                read_verdicts(decided.answer, stamps), decided.inputs, strict=True
            )
        )
        if point not in EXPLAINED:
            return verdicts
        return tuple(_explained(v, assessments.get(i)) for i, v in enumerate(verdicts))

    async def _decide(
        self,
        tenant: str,
        point: DecisionPoint,
        completed: Sequence[JsonObject],
        left_out: Sequence[str],
    ) -> _Decided:
        """The engine's answer to the inputs as they may be shown, all by one revision.

        Where another revision is activated meanwhile, its catalogue may hide more, and its rules
        read what was left out: begin anew.
        """
        for _ in range(REVISIONS):
            policy = self._policies.of(tenant, point)
            if needed := policy.tests.reads.needed(point, left_out):
                raise InputNeeded(needed)
            catalogue = policy.bundle.catalogue
            shown = [_visible(i, point, one, catalogue) for i, one in enumerate(completed)]
            hashes = _hashes(shown)
            try:
                evaluation = await policy.decisions.evaluate(point, shown, hashes)
            except PolicyEngineUnavailable:
                if self._policies.of(tenant, point) is policy:
                    raise
                continue
            if evaluation.revision == policy.bundle.revision:
                return _Decided(policy, shown, hashes, evaluation.answer)
        raise PolicyEngineUnavailable("Policy was replaced again and again during the decision")

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


def _visible(
    index: int, point: DecisionPoint, policy_input: JsonObject, catalogue: Catalogue
) -> JsonObject:
    try:
        return visible(point, policy_input, catalogue)
    except NotCanonical as error:
        raise FieldInvalid([Violation(f"inputs[{index}]", str(error))]) from error


def _needing(verdict: Verdict, hidden: Sequence[Path]) -> Verdict:
    """``verdict``, or a denial where a rule needs what is hidden: silence is no consent (I9)."""
    if not hidden:
        return verdict
    paths = ", ".join(dotted(path) for path in hidden[:MOST_NAMED])
    return replace(
        verdict,
        effect=Effect.DENY,
        reasons=(Reason("content_hidden", f"A rule reads what policy is not shown: {paths}."),),
        remediation=("Send less, or have the rule or the catalogue's secrets changed.",),
        obligations=(),
        approvers=(),
        grants=None,
        policy_score=0.0,
    )


def _hashes(inputs: Sequence[JsonObject]) -> list[str]:
    hashes: list[str] = []
    try:
        hashes.extend(input_hashes(inputs))
    except NotCanonical as error:
        raise FieldInvalid([Violation(f"inputs[{len(hashes)}]", str(error))]) from error
    return hashes


def _explained(verdict: Verdict, assessment: Assessment | None) -> Verdict:
    if assessment is None:
        return verdict
    return replace(verdict, facts={**verdict.facts, "trust": assessment.terms()})

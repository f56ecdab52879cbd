"""A policy port for tests that begin before governance does: answers by rule, records questions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.core.errors import PolicyEngineUnavailable
from phoenix_runtime.core.json import JsonObject, content_hash
from phoenix_runtime.core.policy_inputs.points import INPUTS, MAY_BE_LEFT_OUT
from phoenix_runtime.core.policy_inputs.shapes import differences
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import DecisionPoint, Effect, Grants, Reason, Verdict
from registry_svc.domain.ranking import KnownTrust

TRUSTED: Final = KnownTrust(0.6)

Answer: TypeAlias = Callable[[DecisionPoint, Any], dict[str, Any]]


def everything(point: DecisionPoint, question: Any) -> dict[str, Any]:
    """Allow; grant every claim; trust everybody by 0.6."""
    claims = question.get("claims")
    if claims is None:
        return {"trust": 0.6}
    domains = {*claims["data_domains"], *claims["metadata"].get("data_domains", [])}
    grants = Grants(
        frozenset(claims["capabilities"]), frozenset(domains), frozenset(claims["permissions"])
    )
    return {"grants": grants}


def undocumented(point: DecisionPoint, question: JsonObject) -> list[str]:
    """Where an input is not what `docs/policy-inputs.md` says of it; governance adds the rest."""
    found = differences(INPUTS[point], question)
    # Governance adds these; a stand-in of the registry asks for nobody in particular.
    left_out = ("caller is missing", "hidden is missing", "requirement.")
    return [one for one in found if not one.startswith(left_out)]


def deny(text: str, rule: str = "test") -> dict[str, Any]:
    """A denial with one reason."""
    return {"effect": Effect.DENY, "reasons": (Reason(rule, text),), "remediation": ("Ask.",)}


@dataclass
class RecordingPolicy:
    """Implements `core.ports.Policy`, assignment's `TaskPolicy` and the registry's `Governance`.

    ``answer`` may be exchanged, ``away`` takes it away; ``needing`` has rules that read everything.
    """

    answer: Answer = everything
    away: bool = False
    needing: bool = False
    asked: list[tuple[DecisionPoint, list[Any]]] = field(default_factory=list)
    trusts: dict[str, KnownTrust] = field(default_factory=dict)
    """What `trust_of` answers about whom; about others what `everything` says."""

    async def evaluate(
        self, call: Call, point: DecisionPoint, inputs: Sequence[JsonObject]
    ) -> tuple[Verdict, ...]:
        """One verdict an input."""
        if self.away:
            raise PolicyEngineUnavailable("The test took the engine away")
        self.asked.append((point, list(inputs)))
        for one in inputs:
            assert not (found := undocumented(point, one)), f"{point}: {found}"
        return tuple(self._verdict(point, one) for one in inputs)

    async def evaluate_without(
        self, call: Call, point: DecisionPoint, policy_input: JsonObject, left_out: str
    ) -> Verdict | None:
        """The verdict on an input without a part."""
        assert left_out in MAY_BE_LEFT_OUT[point]
        if self.needing:
            return None
        (verdict,) = await self.evaluate(call, point, [policy_input])
        return verdict

    async def trust_of(self, call: Call, participant_ids: Sequence[str]) -> Sequence[KnownTrust]:
        """One answer an id."""
        if self.away:
            raise PolicyEngineUnavailable("The test took governance away")
        return [self.trusts.get(one, TRUSTED) for one in participant_ids]

    def _verdict(self, point: DecisionPoint, question: JsonObject) -> Verdict:
        plain = Verdict(
            effect=Effect.ALLOW,
            decision_id=new_id("opa.dec"),
            point=point,
            policy=f"test.{point}",
            policy_revision="sha256:test",
            input_hash=content_hash(question),
            evaluated_at=datetime(2026, 1, 1, tzinfo=UTC),
            reasons=(Reason("test", "The test says so."),),
        )
        return replace(plain, **self.answer(point, question))

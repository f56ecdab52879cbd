"""What a decision point's input is about, so far as governance adds to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from phoenix_runtime.core.json import Json, JsonObject
from phoenix_runtime.core.verdict import DecisionPoint

TRUSTING: Final[Mapping[DecisionPoint, tuple[str, str]]] = {
    DecisionPoint.DISCOVER: ("candidate", "requirement"),
    DecisionPoint.ASSIGN: ("candidate", "task"),
    DecisionPoint.HANDOFF: ("target", "task"),
    DecisionPoint.REMAIN: ("participant", ""),
}
"""The points at which trust is judged: where the input names whom, and for what."""

EXPLAINING: Final = frozenset({DecisionPoint.ASSIGN, DecisionPoint.REMAIN})
"""The points whose verdict carries the terms of the trust, so that the audit explains it."""


@dataclass(frozen=True, slots=True)
class TrustQuestion:
    """Whose trust is asked for, in which capabilities, under which trust policy ('': default)."""

    participant_id: str
    capabilities: tuple[str, ...] = ()
    trust_policy: str = ""


def trust_question(point: DecisionPoint, question: JsonObject) -> TrustQuestion | None:
    """Whose trust ``question`` needs; None where the point judges none, or names nobody."""
    if point not in TRUSTING:
        return None
    subject, purpose = TRUSTING[point]
    who = _object(question.get(subject))
    participant_id = who.get("id")
    if not isinstance(participant_id, str) or not participant_id:
        return None
    wanted = _object(question.get(purpose)).get("required_capabilities")
    names = wanted if isinstance(wanted, list | tuple) else ()
    policy = who.get("trust_policy")
    return TrustQuestion(
        participant_id,
        tuple(dict.fromkeys(name for name in names if isinstance(name, str))),
        policy if isinstance(policy, str) else "",
    )


def _object(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}

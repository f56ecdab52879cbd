"""Whose trust a decision point's input needs, and for which capabilities."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from phoenix_runtime.core.json import Json, JsonObject
from phoenix_runtime.core.verdict import DecisionPoint

SUBJECTS: Final[Mapping[DecisionPoint, tuple[str, str]]] = {
    DecisionPoint.DISCOVER: ("candidate", "requirement"),
    DecisionPoint.ASSIGN: ("candidate", "task"),
    DecisionPoint.HANDOFF: ("target", "task"),
    DecisionPoint.REMAIN: ("participant", ""),
}
"""The points that judge trust: the input's fields for the participant and for its purpose."""

EXPLAINED: Final = frozenset({DecisionPoint.ASSIGN, DecisionPoint.REMAIN})
"""The points whose verdict carries the terms of the trust score, so that the audit explains it."""


@dataclass(frozen=True, slots=True)
class TrustQuery:
    """Whose trust is needed, in which capabilities, under which trust policy ('': the default)."""

    participant_id: str
    capabilities: tuple[str, ...] = ()
    trust_policy: str = ""


def trust_query(point: DecisionPoint, policy_input: JsonObject) -> TrustQuery | None:
    """The trust that ``policy_input`` needs; None where the point judges none or names nobody."""
    if point not in SUBJECTS:
        return None
    subject_field, purpose_field = SUBJECTS[point]
    subject = _object(policy_input.get(subject_field))
    participant_id = subject.get("id")
    if not isinstance(participant_id, str) or not participant_id:
        return None
    required = _object(policy_input.get(purpose_field)).get("required_capabilities")
    names = required if isinstance(required, list | tuple) else ()
    trust_policy = subject.get("trust_policy")
    return TrustQuery(
        participant_id,
        tuple(dict.fromkeys(name for name in names if isinstance(name, str))),
        trust_policy if isinstance(trust_policy, str) else "",
    )


def _object(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}

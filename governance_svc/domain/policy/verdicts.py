"""Reads an engine's raw answer into verdicts; whatever is not understood is a denial (I9).

There is one verdict for each input, whatever the answer was.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from governance_svc.domain.catalogue.catalogue import ACTIONS
from phoenix_runtime.core.json import Json, NotCanonical, canonical
from phoenix_runtime.core.verdict import (
    ENGINE,
    DecisionPoint,
    Effect,
    Grants,
    Obligation,
    Reason,
    Refusal,
    Verdict,
    evidence_of,
    obligation_faults,
)

GRANTING_POINTS = frozenset({DecisionPoint.JOIN, DecisionPoint.UPDATE_CAPABILITIES})
"""The points whose allow has to come with grants."""

EFFECTS = {effect.value: effect for effect in Effect}

SURROGATES = re.compile("[\ud800-\udfff]")

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class DecisionStamp:
    """What a verdict carries beside the engine's answer."""

    point: DecisionPoint
    decision_id: str
    revision: str
    input_hash: str
    evaluated_at: datetime


class _Unreadable(Exception):
    """The answer does not have the agreed shape."""


def read_verdicts(answer: Json, stamps: Sequence[DecisionStamp]) -> tuple[Verdict, ...]:
    """One verdict for each stamp, in order; all denials where ``answer`` has another shape."""
    if not isinstance(answer, list | tuple):
        text = "The policy engine did not answer a list."
        return tuple(denial(stamp, text) for stamp in stamps)
    if len(answer) != len(stamps):
        text = f"The policy engine gave {len(answer)} answers to {len(stamps)} inputs."
        return tuple(denial(stamp, text) for stamp in stamps)
    return tuple(read_verdict(raw, stamp) for raw, stamp in zip(answer, stamps, strict=True))


def read_verdict(raw: Json, stamp: DecisionStamp) -> Verdict:
    """The verdict of one raw answer; a denial that says why where it cannot be read."""
    try:
        return _read(raw, stamp)
    except _Unreadable as error:
        return denial(stamp, f"The policy engine's answer could not be read: {error}.")


def denial(stamp: DecisionStamp, text: str) -> Verdict:
    """A denial by the runtime itself, where policy gave no readable answer."""
    return Verdict(
        effect=Effect.DENY,
        decision_id=stamp.decision_id,
        point=stamp.point,
        policy=ENGINE,
        policy_revision=stamp.revision,
        input_hash=stamp.input_hash,
        evaluated_at=stamp.evaluated_at,
        reasons=(Reason("engine_answer", text),),
        remediation=("Ask the policy administrators: the bundle has to be repaired.",),
        policy_score=0.0,
    )


def _read(raw: Json, stamp: DecisionStamp) -> Verdict:
    entry = _object(raw, "it is not an object")
    if isinstance(fault := entry.get("fault"), str):
        raise _Unreadable(fault)
    effect = entry.get("effect")
    # By value: "true", True and 1 are not effects.
    if not isinstance(effect, str) or effect not in EFFECTS:
        raise _Unreadable(f"{effect!r} is not an effect")
    verdict = Verdict(
        effect=EFFECTS[effect],
        decision_id=stamp.decision_id,
        point=stamp.point,
        policy=_text(entry.get("policy"), "policy"),
        policy_revision=stamp.revision,
        input_hash=stamp.input_hash,
        evaluated_at=stamp.evaluated_at,
        reasons=_each(entry.get("reasons"), "reasons", _reason),
        remediation=_each(entry.get("remediation"), "remediation", _text),
        obligations=_each(entry.get("obligations"), "obligations", _obligation),
        policy_score=_share(entry.get("policy_score", 1.0), "policy_score"),
        grants=_grants(entry.get("grants")),
        approvers=_each(entry.get("approvers"), "approvers", _text),
        trust=None if entry.get("trust") is None else _share(entry.get("trust"), "trust"),
        facts=_facts(entry.get("facts") or {}),
    )
    if verdict.allowed and stamp.point in GRANTING_POINTS and verdict.grants is None:
        raise _Unreadable("it allows without grants")
    return verdict


def _object(value: Json, text: str) -> Mapping[str, Json]:
    if isinstance(value, Mapping):
        return value
    raise _Unreadable(text)


def _facts(value: Json) -> dict[str, Json]:
    facts = dict(_object(value, "facts is not an object"))
    if not facts:
        return facts
    try:
        canonical(facts)
    except NotCanonical as error:
        raise _Unreadable(f"facts cannot be passed on: {error}") from error
    return facts


def _text(value: Json, name: str) -> str:
    # A lone surrogate has no form in UTF-8: no message could carry it.
    if isinstance(value, str) and value and not SURROGATES.search(value):
        return value
    raise _Unreadable(f"{name} is not a text")


def _share(value: Json, name: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    raise _Unreadable(f"{name} is not a number from 0 to 1")


def _each(value: Json, name: str, read: Callable[[Json, str], Read]) -> tuple[Read, ...]:
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise _Unreadable(f"{name} is not a list")
    return tuple(read(item, name) for item in value)


def _reason(value: Json, name: str) -> Reason:
    entry = _object(value, f"{name} holds what is not an object")
    return Reason(_text(entry.get("rule"), name), _text(entry.get("text"), name))


def _obligation(value: Json, name: str) -> Obligation:
    entry = _object(value, f"{name} holds what is not an object")
    due = _text(entry.get("due"), name)
    met_by = _optional_text(entry.get("met_by"), name)
    action = _optional_text(entry.get("action"), name)
    identity = _text(entry.get("id"), name)
    for field, fault in obligation_faults(due, met_by, action).items():
        raise _Unreadable(f"{field} of obligation {identity} {fault}")
    return Obligation(
        id=identity,
        text=_text(entry.get("text"), name),
        due=due,
        met_by=evidence_of(due, met_by),
        action=ACTIONS.get(action or "", (action or "").lower()),
    )


def _optional_text(value: Json, name: str) -> str | None:
    return None if value is None else _text(value, name)


def _grants(value: Json) -> Grants | None:
    if value is None:
        return None
    entry = _object(value, "grants is not an object")
    return Grants(
        capabilities=frozenset(_each(entry.get("capabilities"), "capabilities", _text)),
        data_domains=frozenset(_each(entry.get("data_domains"), "data_domains", _text)),
        permissions=frozenset(_each(entry.get("permissions"), "permissions", _text)),
        refused=_each(entry.get("refused"), "refused", _refusal),
    )


def _refusal(value: Json, name: str) -> Refusal:
    entry = _object(value, f"{name} holds what is not an object")
    kind, claimed = _text(entry.get("kind"), name), _text(entry.get("name"), name)
    return Refusal(kind, claimed, _text(entry.get("reason"), name))

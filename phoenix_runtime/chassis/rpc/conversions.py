"""Converts the messages that several services share to values of the core and back.

A service's own messages are converted in its ``api/convert``; this is for the common ones.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeAlias, TypeVar

from google.protobuf import duration_pb2, struct_pb2, timestamp_pb2

from phoenix_dma.v1 import common_pb2
from phoenix_runtime.chassis.rpc.structs import json_to_struct, struct_to_json
from phoenix_runtime.core.errors import FieldInvalid, Violation
from phoenix_runtime.core.json import Json, JsonObject
from phoenix_runtime.core.pages import PageRequest, page_request
from phoenix_runtime.core.receipt import Receipt
from phoenix_runtime.core.score import Score
from phoenix_runtime.core.verdict import (
    DecisionPoint,
    Effect,
    Grants,
    Obligation,
    Reason,
    Refusal,
    Verdict,
    evidence_of,
)

Short = TypeVar("Short", bound=StrEnum)
WireEnum: TypeAlias = Any
"""A generated enum; its stubs call it a class, at run time it is a wrapper."""


# Enumerations ---------------------------------------------------------------------------------


def short(wrapper: WireEnum, value: int) -> str:
    """``RISK_LEVEL_MEDIUM`` as ``medium``; the unspecified value as the empty string."""
    names = wrapper.DESCRIPTOR.values_by_number
    prefix = wrapper.DESCRIPTOR.values[0].name.removesuffix("UNSPECIFIED")
    name = names[value].name.removeprefix(prefix).lower()
    return "" if name == "unspecified" else name


def number(wrapper: WireEnum, name: str) -> Any:
    """``medium`` as the number of ``RISK_LEVEL_MEDIUM``; the empty string as 0."""
    prefix = wrapper.DESCRIPTOR.values[0].name.removesuffix("UNSPECIFIED")
    return wrapper.Value(prefix + (name.upper() or "UNSPECIFIED"))


def enum_from(kind: type[Short], wrapper: WireEnum, value: int, default: Short) -> Short:
    """The member of ``kind`` that a wire value stands for; ``default`` where not given."""
    name = short(wrapper, value)
    return kind(name) if name else default


def page_from_pb(request: Any, filters: Json) -> PageRequest:
    """The page that a request to list asks for; raises `FieldInvalid` for one that cannot be."""
    return page_request(request.page_size, request.page_token, filters, total=request.with_total)


# Times ------------------------------------------------------------------------------------


def time_to_pb(value: datetime | None) -> timestamp_pb2.Timestamp | None:
    """None stays absent."""
    if value is None:
        return None
    made = timestamp_pb2.Timestamp()
    made.FromDatetime(value)
    return made


def time_from_pb(holder: Any, field: str) -> datetime | None:
    """The time in ``field`` of a message, or None where it is absent.

    Raises `FieldInvalid` for a time that no calendar has.
    """
    if not holder.HasField(field):
        return None
    try:
        moment: datetime = getattr(holder, field).ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise FieldInvalid([Violation(field, "is no time between years 1 and 9999")]) from error
    return moment


def seconds_to_pb(value: float | None) -> duration_pb2.Duration | None:
    """Seconds as a Duration; None stays absent."""
    if value is None:
        return None
    made = duration_pb2.Duration()
    made.FromTimedelta(timedelta(seconds=value))
    return made


def seconds_from_pb(holder: Any, field: str) -> float | None:
    """The Duration in ``field`` in seconds, or None where it is absent."""
    if not holder.HasField(field):
        return None
    try:
        span: timedelta = getattr(holder, field).ToTimedelta()
    except (ValueError, OverflowError) as error:
        raise FieldInvalid([Violation(field, "is no duration that can be counted")]) from error
    return span.total_seconds()


# Policy ---------------------------------------------------------------------------------------


def grants_to_pb(grants: Grants) -> common_pb2.Grants:
    """Sorted, so that the same grants look the same."""
    return common_pb2.Grants(
        capabilities=sorted(grants.capabilities),
        data_domains=sorted(grants.data_domains),
        permissions=sorted(grants.permissions),
        refused=[refusal_to_pb(refusal) for refusal in grants.refused],
    )


def refusal_to_pb(refusal: Refusal) -> common_pb2.RefusedClaim:
    """One claim that was not granted."""
    return common_pb2.RefusedClaim(kind=refusal.kind, name=refusal.name, reason=refusal.reason)


def grants_from_pb(grants: common_pb2.Grants) -> Grants:
    """The grants inside a verdict or standing."""
    return Grants(
        capabilities=frozenset(grants.capabilities),
        data_domains=frozenset(grants.data_domains),
        permissions=frozenset(grants.permissions),
        refused=tuple(Refusal(r.kind, r.name, r.reason) for r in grants.refused),
    )


def verdict_to_pb(verdict: Verdict, *, facts: bool = True) -> common_pb2.PolicyVerdict:
    """The whole verdict, without its ``facts`` where they go beside it."""
    made = common_pb2.PolicyVerdict(
        effect=number(common_pb2.PolicyEffect, verdict.effect),
        decision_id=verdict.decision_id,
        point=verdict.point,
        policy=verdict.policy,
        policy_revision=verdict.policy_revision,
        input_hash=verdict.input_hash,
        evaluate_time=time_to_pb(verdict.evaluated_at),
        reasons=[common_pb2.Reason(rule=r.rule, text=r.text) for r in verdict.reasons],
        remediation=verdict.remediation,
        obligations=[obligation_to_pb(o, verdict.decision_id) for o in verdict.obligations],
        policy_score=verdict.policy_score,
        grants=None if verdict.grants is None else grants_to_pb(verdict.grants),
        approvers=verdict.approvers,
        trust=verdict.trust,
    )
    if facts and verdict.facts:
        made.facts.CopyFrom(json_to_struct(verdict.facts))
    return made


def obligation_to_pb(obligation: Obligation, decision_id: str) -> common_pb2.Obligation:
    """An obligation, and the decision that imposed it."""
    return common_pb2.Obligation(
        id=obligation.id,
        text=obligation.text,
        due=obligation.due,
        policy_decision_id=decision_id,
        met_by=obligation.met_by,
        action=obligation.action,
    )


def verdict_from_pb(
    verdict: common_pb2.PolicyVerdict, facts: dict[str, Json] | None = None
) -> Verdict:
    """The verdict that governance sent; an effect that we do not know is a no (I9).

    ``facts`` are those that came beside it, where they did.
    """
    effect = short(common_pb2.PolicyEffect, verdict.effect)
    return Verdict(
        effect=Effect(effect) if effect else Effect.DENY,
        decision_id=verdict.decision_id,
        point=DecisionPoint(verdict.point),
        policy=verdict.policy,
        policy_revision=verdict.policy_revision,
        input_hash=verdict.input_hash,
        evaluated_at=verdict.evaluate_time.ToDatetime(tzinfo=UTC),
        reasons=tuple(Reason(r.rule, r.text) for r in verdict.reasons),
        remediation=tuple(verdict.remediation),
        obligations=tuple(
            Obligation(o.id, o.text, o.due, evidence_of(o.due, o.met_by), o.action)
            for o in verdict.obligations
        ),
        policy_score=verdict.policy_score,
        grants=grants_from_pb(verdict.grants) if verdict.HasField("grants") else None,
        approvers=tuple(verdict.approvers),
        trust=verdict.trust if verdict.HasField("trust") else None,
        facts=struct_to_json(verdict.facts) if facts is None else facts,
    )


# Proofs and scores ----------------------------------------------------------------------------


def receipt_to_pb(receipt: Receipt | None) -> common_pb2.Receipt | None:
    """None stays absent."""
    if receipt is None:
        return None
    verdict = receipt.verdict
    return common_pb2.Receipt(
        policy_decision_id=verdict.decision_id if verdict is not None else "",
        effect=number(common_pb2.PolicyEffect, verdict.effect if verdict is not None else ""),
        audit_event_id=receipt.audit_event_id,
        correlation_id=receipt.correlation_id,
        aggregate_version=receipt.aggregate_version,
    )


def score_to_pb(score: Score | None) -> common_pb2.Score | None:
    """None stays absent."""
    if score is None:
        return None
    return common_pb2.Score(
        total=score.total,
        terms=[
            common_pb2.ScoreTerm(
                name=term.name,
                value=term.value,
                weight=term.weight,
                because=term.because,
                evidence=term.evidence,
            )
            for term in score.terms
        ],
    )


def json_object(value: JsonObject | None) -> struct_pb2.Struct | None:
    """A JSON object as a Struct; None stays absent."""
    return None if value is None else json_to_struct(value)

"""Declarations of participants and tasks from plain keyword arguments, by the paper's names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypedDict

from google.protobuf import duration_pb2

from phoenix_dma.declared_values import fault
from phoenix_dma.nearest import did_you_mean
from phoenix_dma.v1 import assignment_pb2, common_pb2, registry_pb2
from phoenix_dma.wire.conversions import number, struct_of, timestamp

LONGEST: Final = timedelta(seconds=315_576_000_000)
"""What a Duration of protobuf may hold: 10,000 years."""
LISTS: Final = frozenset(
    {
        "capabilities",
        "data_domains",
        "permissions",
        "policy_constraints",
        "required_capabilities",
        "roles",
        "task_types",
    }
)
"""Fields that hold names; a text alone would be taken for a list of its letters."""


class ParticipantFields(TypedDict, total=False):
    """A participant's declaration (paper, section 7); ``id``, ``type``, ``owner`` required.

    ``liveness`` is leased or unleased; by type where it is not given. ``roles`` are those of the
    credential: participant, and for a human reviewer.
    """

    id: str
    type: str
    owner: str
    capabilities: Sequence[str]
    data_domains: Sequence[str]
    permissions: Sequence[str]
    state_location: str
    endpoint: str
    metadata: Mapping[str, Any]
    capacity: int
    cost: float
    task_types: Sequence[str]
    model_endpoints: Sequence[registry_pb2.ModelEndpoint]
    liveness: str
    trust_policy: str
    roles: Sequence[str]


class TaskFields(TypedDict, total=False):
    """What is to be done (paper, section 7). Times: aware datetimes; spans: timedelta or seconds.

    ``max_losses``: after how many owners that died or fell silent while they worked on it the task
    fails; 3 where not given, 0 is without limit.
    ``on_request`` leaves the task pending until it is assigned by name.
    """

    task_id: str
    objective: str
    required_capabilities: Sequence[str]
    data_domains: Sequence[str]
    risk_level: str
    policy_constraints: Sequence[str]
    context_ref: str
    input: Mapping[str, Any]
    priority: int
    deadline: datetime
    start_timeout: timedelta | float
    attempt_timeout: timedelta | float
    max_attempts: int
    max_losses: int
    degraded_allowed: bool
    detached: bool
    task_type: str
    on_request: bool


def participant(fields: ParticipantFields) -> registry_pb2.ParticipantDeclaration:
    """The declaration.

    Raises TypeError for a field that participants do not have and for a value of another type,
    ValueError for an unknown liveness.
    """
    _check(fields, ParticipantFields, "a participant")
    made = registry_pb2.ParticipantDeclaration(
        id=fields.get("id", ""),
        type=fields.get("type", ""),
        owner=fields.get("owner", ""),
        capabilities=fields.get("capabilities", ()),
        data_domains=fields.get("data_domains", ()),
        permissions=fields.get("permissions", ()),
        state_location=fields.get("state_location", ""),
        endpoint=fields.get("endpoint", ""),
        capacity=fields.get("capacity"),
        cost=fields.get("cost"),
        task_types=fields.get("task_types", ()),
        model_endpoints=fields.get("model_endpoints", ()),
        liveness=_word(registry_pb2.Liveness, fields, "liveness"),
        trust_policy=fields.get("trust_policy", ""),
    )
    if "metadata" in fields:
        made.metadata.CopyFrom(struct_of(fields["metadata"], "metadata"))
    return made


def task(fields: TaskFields) -> assignment_pb2.TaskDeclaration:
    """The declaration.

    Raises TypeError for a field that tasks do not have and for a value of another type, ValueError
    for an unknown risk level, a deadline without a time zone, a span that is none, or what JSON
    cannot carry.
    """
    _check(fields, TaskFields, "a task")
    made = assignment_pb2.TaskDeclaration(
        task_id=fields.get("task_id", ""),
        objective=fields.get("objective", ""),
        required_capabilities=fields.get("required_capabilities", ()),
        data_domains=fields.get("data_domains", ()),
        risk_level=_word(common_pb2.RiskLevel, fields, "risk_level"),
        policy_constraints=fields.get("policy_constraints", ()),
        context_ref=fields.get("context_ref", ""),
        priority=fields.get("priority", 0),
        deadline=timestamp(fields.get("deadline"), "deadline"),
        start_timeout=_span(fields.get("start_timeout"), "start_timeout"),
        attempt_timeout=_span(fields.get("attempt_timeout"), "attempt_timeout"),
        max_attempts=fields.get("max_attempts", 0),
        max_losses=fields.get("max_losses"),
        degraded_allowed=fields.get("degraded_allowed", False),
        detached=fields.get("detached", False),
        task_type=fields.get("task_type", ""),
    )
    if fields.get("on_request"):
        made.assignment_intent = assignment_pb2.ASSIGNMENT_INTENT_ON_REQUEST
    if "input" in fields:
        made.input.CopyFrom(struct_of(fields["input"], "input"))
    return made


def unknown_fields(names: Iterable[str], kind: type, what: str) -> list[str]:
    """A sentence for each name that is no field of ``kind``, with the nearest one that is."""
    known = set(kind.__annotations__)
    return [
        f"{what} has no field {name!r}{did_you_mean(name, known)}"
        for name in sorted(set(names) - known)
    ]


def _check(fields: Mapping[str, Any], kind: type, what: str) -> None:
    # Any name passes a keyword argument that is declared by a TypedDict: Python does not look.
    wrong = unknown_fields(fields, kind, what)
    for name in LISTS & set(fields):
        if isinstance(fields[name], str):
            wrong.append(f"{name} is a list of names, not a text: [{fields[name]!r}]")
    if not wrong:
        wrong = [text for name in fields if (text := fault(name, fields[name], kind))]
    if wrong:
        raise TypeError("; ".join(wrong))


def _word(wrapper: Any, fields: Mapping[str, Any], name: str) -> Any:
    try:
        return number(wrapper, fields.get(name, ""))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def _span(value: timedelta | float | None, name: str) -> duration_pb2.Duration | None:
    if value is None:
        return None
    try:
        span = value if isinstance(value, timedelta) else timedelta(seconds=value)
    except (OverflowError, ValueError) as error:
        raise ValueError(_no_span(value, name)) from error
    if abs(span) > LONGEST:
        raise ValueError(_no_span(value, name))
    made = duration_pb2.Duration()
    made.FromTimedelta(span)
    return made


def _no_span(value: object, name: str) -> str:
    return f"{name} is {value}, which is no span; write seconds, at most 10,000 years of them"

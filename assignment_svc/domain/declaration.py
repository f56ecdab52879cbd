"""A submitted task, parsed into values that cannot be wrong; every violation at once."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from assignment_svc.domain.context import context_address
from assignment_svc.domain.losses import MOST_LOSSES
from assignment_svc.domain.states import AssignmentIntent
from assignment_svc.domain.task import MAX_ATTEMPTS, MAX_LOSSES, START_TIMEOUT, TaskSpec
from assignment_svc.domain.texts import text_violations
from phoenix_runtime.core.errors import FieldInvalid, TooLarge, Violation
from phoenix_runtime.core.ids import NO_ID, is_identifier, is_name
from phoenix_runtime.core.json import (
    EMPTY_OBJECT,
    JsonObject,
    NotCanonical,
    bytes_hash,
    canonical,
)
from phoenix_runtime.core.standing import RiskLevel

DEGRADED_ALLOWED = "degraded_allowed"
"""The constraint that permits DEGRADED participants (paper, Algorithm 2, step 2)."""

MOST_NAMES = 64
LONGEST_OBJECTIVE = 2000
MOST_ATTEMPTS = 100
HIGHEST_PRIORITY = 100
LONGEST_TIMEOUT = timedelta(days=366)
LARGEST_DOCUMENT = 1 << 20
"""Bytes of the canonical form of an input or a result."""


@dataclass(frozen=True, slots=True)
class TaskDeclaration:
    """A task as a caller gave it, unparsed. Empty, zero and None stand for not given."""

    task_id: str = ""
    objective: str = ""
    required_capabilities: tuple[str, ...] = ()
    data_domains: tuple[str, ...] = ()
    risk_level: str = ""
    context_ref: str = ""
    policy_constraints: tuple[str, ...] = ()
    input: JsonObject | None = None
    priority: int = 0
    deadline: datetime | None = None
    start_timeout: timedelta | None = None
    attempt_timeout: timedelta | None = None
    max_attempts: int = 0
    max_losses: int | None = None
    parent_task_id: str = ""
    parent_epoch: int = 0
    detached: bool = False
    degraded_allowed: bool = False
    intent: str = ""
    task_type: str = ""

    @property
    def names_only(self) -> bool:
        """True where nothing but the id of a known task is given."""
        return bool(self.task_id) and self == TaskDeclaration(task_id=self.task_id)


@dataclass(frozen=True, slots=True)
class Document:
    """An input or a result: the canonical bytes and their hash."""

    hash: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Submission:
    """A parsed declaration. ``parent_epoch`` is the caller's epoch on the parent, 0 without."""

    spec: TaskSpec
    input: Document
    parent_epoch: int = 0


def submission(declared: TaskDeclaration, new_id: Callable[[str], str]) -> Submission:
    """Parse; raises `FieldInvalid` naming every violation, or `TooLarge` for the input."""
    violations = list(_violations(declared))
    content = _canonical(declared.input, violations)
    if violations:
        raise FieldInvalid(violations)
    input_document = sized("input", content)
    spec = _spec(declared, declared.task_id or new_id("task"), input_document.hash)
    return Submission(spec, input_document, declared.parent_epoch)


def document(what: str, value: JsonObject | None) -> Document:
    """A result or input in canonical form; raises `FieldInvalid` or `TooLarge`."""
    violations: list[Violation] = []
    content = _canonical(value, violations, what)
    if violations:
        raise FieldInvalid(violations)
    return sized(what, content)


def sized(what: str, content: bytes, limit: int = LARGEST_DOCUMENT) -> Document:
    """The document of ``content``; raises `TooLarge` above ``limit`` bytes."""
    if len(content) > limit:
        raise TooLarge(what, size=len(content), limit=limit)
    return Document(bytes_hash(content), content)


def _canonical(
    value: JsonObject | None, violations: list[Violation], field: str = "task.input"
) -> bytes:
    try:
        return canonical(EMPTY_OBJECT if value is None else value)
    except NotCanonical as error:
        violations.append(Violation(field, f"has no canonical form: {error}"))
        return b"{}"


def _spec(declared: TaskDeclaration, task_id: str, input_hash: str) -> TaskSpec:
    constraints = declared.policy_constraints
    if declared.degraded_allowed and DEGRADED_ALLOWED not in constraints:
        constraints = (*constraints, DEGRADED_ALLOWED)
    return TaskSpec(
        task_id=task_id,
        objective=declared.objective,
        required_capabilities=declared.required_capabilities,
        data_domains=declared.data_domains,
        risk_level=RiskLevel(declared.risk_level or RiskLevel.LOW),
        policy_constraints=constraints,
        input_hash=input_hash,
        priority=declared.priority,
        deadline_at=declared.deadline,
        start_timeout=declared.start_timeout or START_TIMEOUT,
        attempt_timeout=declared.attempt_timeout or None,
        max_attempts=declared.max_attempts or MAX_ATTEMPTS,
        max_losses=MAX_LOSSES if declared.max_losses is None else declared.max_losses,
        parent_task_id=declared.parent_task_id,
        detached=declared.detached,
        degraded_allowed=DEGRADED_ALLOWED in constraints,
        intent=AssignmentIntent(declared.intent or AssignmentIntent.AUTOMATIC),
        task_type=declared.task_type,
    )


def _violations(declared: TaskDeclaration) -> Iterator[Violation]:
    yield from _identity(declared)
    yield from text_violations("task.objective", declared.objective, LONGEST_OBJECTIVE)
    if not declared.objective:
        yield Violation("task.objective", "is required")
    yield from _names("task.required_capabilities", declared.required_capabilities)
    if not declared.required_capabilities:
        yield Violation("task.required_capabilities", "at least one is required")
    yield from _names("task.data_domains", declared.data_domains)
    yield from _names("task.policy_constraints", declared.policy_constraints)
    if declared.risk_level not in {"", *RiskLevel}:
        yield Violation("task.risk_level", f"low, medium or high, not {declared.risk_level!r}")
    if declared.intent not in {"", *AssignmentIntent}:
        yield Violation("task.assignment_intent", "automatic or on_request")
    if declared.task_type and not is_name(declared.task_type):
        yield Violation("task.task_type", "lower-case letters, digits and _, 1 to 64 of them")
    yield from _numbers(declared)
    yield from _family(declared)


def _identity(declared: TaskDeclaration) -> Iterator[Violation]:
    if declared.task_id and not is_identifier(declared.task_id):
        yield Violation("task.task_id", NO_ID)
    own = context_address(declared.task_id)
    if declared.context_ref and declared.context_ref != own:
        yield Violation("task.context_ref", f"{own}, or nothing; no other place can be named")


def _names(field: str, names: tuple[str, ...]) -> Iterator[Violation]:
    if len(names) > MOST_NAMES:
        yield Violation(field, f"at most {MOST_NAMES}, not {len(names)}")
    for index, name in enumerate(names[:MOST_NAMES]):
        if not is_name(name):
            text = "lower-case letters, digits and _, 1 to 64 of them"
            yield Violation(f"{field}[{index}]", text)
    if len(set(names)) != len(names):
        yield Violation(field, "names one thing twice")


def _numbers(declared: TaskDeclaration) -> Iterator[Violation]:
    if not 0 <= declared.priority <= HIGHEST_PRIORITY:
        yield Violation("task.priority", f"0 to {HIGHEST_PRIORITY}, not {declared.priority}")
    if not 0 <= declared.max_attempts <= MOST_ATTEMPTS:
        yield Violation("task.max_attempts", f"1 to {MOST_ATTEMPTS}, not {declared.max_attempts}")
    if not 0 <= (declared.max_losses or 0) <= MOST_LOSSES:
        text = f"0 (without limit) to {MOST_LOSSES}, not {declared.max_losses}"
        yield Violation("task.max_losses", text)
    timeouts = {
        "start_timeout": declared.start_timeout,
        "attempt_timeout": declared.attempt_timeout,
    }
    for name, timeout in timeouts.items():
        if timeout is not None and not timedelta() <= timeout <= LONGEST_TIMEOUT:
            yield Violation(f"task.{name}", "0 (not given) up to 366 days")


def _family(declared: TaskDeclaration) -> Iterator[Violation]:
    if declared.parent_task_id and not is_identifier(declared.parent_task_id):
        yield Violation("task.parent_task_id", NO_ID)
    if declared.parent_epoch < 0:
        yield Violation("task.parent_epoch", "an epoch is not negative")
    if declared.parent_task_id and declared.parent_task_id == declared.task_id:
        yield Violation("task.parent_task_id", "a task is not its own parent")
    if declared.parent_epoch and not declared.parent_task_id:
        yield Violation("task.parent_task_id", "is required with parent_epoch")


def same_task(known: TaskSpec, given: TaskSpec) -> bool:
    """Whether ``given`` asks for the task that is ``known``: submitting it again is harmless."""
    return known == given


def same_identity(known: TaskSpec, declared: TaskDeclaration, given: TaskSpec) -> bool:
    """Whether what must never change agrees; an input that is not given agrees with any."""
    return (
        known.objective == given.objective
        and set(known.required_capabilities) == set(given.required_capabilities)
        and set(known.data_domains) == set(given.data_domains)
        and known.risk_level == given.risk_level
        and set(known.policy_constraints) == set(given.policy_constraints)
        and (declared.input is None or known.input_hash == given.input_hash)
    )


def distinct(values: Iterable[str]) -> tuple[str, ...]:
    """``values`` without repetition, in order."""
    return tuple(dict.fromkeys(value for value in values if value))

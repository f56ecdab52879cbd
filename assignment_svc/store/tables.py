"""The tables of assignment. Columns carry the names of the domain's fields; see `records`.

Three columns are for the night shift alone: ``wake_at`` is derived from the row at each write,
``claimed_until`` says that a worker is on its way, ``priority`` orders the queue.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Index,
    Integer,
    Interval,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from phoenix_runtime.chassis.tables import (
    directive_outbox_table,
    idempotency_table,
    outbox_table,
    service_metadata,
    tenant_table,
)

metadata = service_metadata("assignment")

OPEN_HANDOFF = "status IN ('initiated', 'awaiting_approval', 'offered')"


def _text(name: str, *, key: bool = False) -> Column[str]:
    return Column(name, Text, primary_key=key, nullable=False)


def _count(name: str, *, key: bool = False) -> Column[int]:
    return Column(name, BigInteger, primary_key=key, nullable=False)


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False)


def _moment(name: str, *, optional: bool = True) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=optional)


def _document(name: str, *, optional: bool = False) -> Column[object]:
    return Column(name, JSONB(none_as_null=True), nullable=optional)


def _wake() -> tuple[Column[object], Column[object]]:
    return _moment("wake_at"), _moment("claimed_until")


tasks = tenant_table(
    "tasks",
    metadata,
    _text("task_id", key=True),
    # What was submitted.
    _text("objective"),
    _document("required_capabilities"),
    _document("data_domains"),
    _text("risk_level"),
    _document("policy_constraints"),
    _text("input_hash"),
    Column("priority", Integer, nullable=False),
    _moment("deadline"),
    Column("start_timeout", Interval, nullable=False),
    Column("attempt_timeout", Interval),
    Column("max_attempts", Integer, nullable=False),
    _text("parent_task_id"),
    _flag("detached"),
    _flag("degraded_allowed"),
    _text("intent"),
    _text("task_type"),
    _text("submitter"),
    _text("submitter_participant"),
    _text("correlation_id"),
    _moment("submitted_at", optional=False),
    _text("submit_event_id"),
    Column("depth", Integer, nullable=False),
    # What changes.
    _moment("updated_at", optional=False),
    _text("status"),
    _count("version"),
    _count("epoch"),
    Column("attempt", Integer, nullable=False),
    _document("binding", optional=True),
    _document("parked", optional=True),
    _document("pointer", optional=True),
    _document("obligations"),
    _text("result_hash"),
    _text("reason"),
    _text("handoff_id"),
    _text("last_event_id"),
    _text("failure_hash"),
    Column("tries", Integer, nullable=False),
    _moment("next_try_at"),
    _moment("start_by"),
    _moment("attempt_by"),
    _moment("resume_by"),
    # Derived, for questions.
    _text("participant_id"),
    _text("parked_target"),
    *_wake(),
    Index("tasks_newest", "tenant", "submitted_at", "task_id"),
    Index("tasks_due", "wake_at", postgresql_where=text("wake_at IS NOT NULL")),
    Index(
        "tasks_waiting",
        "tenant",
        "next_try_at",
        postgresql_where=text("next_try_at IS NOT NULL"),
    ),
    Index("tasks_held", "tenant", "participant_id", postgresql_where=text("participant_id <> ''")),
    Index("tasks_parked", "tenant", "parked_target", postgresql_where=text("parked_target <> ''")),
    Index(
        "tasks_family", "tenant", "parent_task_id", postgresql_where=text("parent_task_id <> ''")
    ),
    Index("tasks_correlation", "tenant", "correlation_id"),
)
"""One row decides: status, owner, epoch and newest context of a task."""

bindings = tenant_table(
    "bindings",
    metadata,
    _text("task_id", key=True),
    _count("epoch", key=True),
    _text("assignment_id"),
    _text("participant_id"),
    _text("owner"),
    _count("generation"),
    _count("standing_revision"),
    _text("decision_id"),
    _text("explanation"),
    _moment("bound_at", optional=False),
    _text("gained_by"),
    _moment("ended_at"),
    _text("ended_by"),
    UniqueConstraint("tenant", "assignment_id"),
)
"""Every acquisition of every task, one an epoch."""

gates = tenant_table(
    "gates",
    metadata,
    _text("participant_id", key=True),
    Column("capacity", Integer, nullable=False),
    Column("used", Integer, nullable=False),
    _count("standing_revision"),
    _count("generation"),
    _text("status"),
    _text("retirement_id"),
)
"""Who may still be given work, and how much."""

context_pointers = tenant_table(
    "context_pointers",
    metadata,
    _text("task_id", key=True),
    _count("version", key=True),
    _text("hash"),
    _count("size_bytes"),
    _text("participant_id"),
    _count("epoch"),
    _moment("recorded_at", optional=False),
    _flag("by_reference"),
    _text("external_ref"),
)
"""Every recorded checkpoint; the newest stands in its task's row too."""

contents = tenant_table(
    "contents",
    metadata,
    _text("hash", key=True),
    Column("content", LargeBinary, nullable=False),
)
"""Inputs and results under their hash."""

handoffs = tenant_table(
    "handoffs",
    metadata,
    _text("handoff_id", key=True),
    _text("task_id"),
    _text("correlation_id"),
    _document("source_binding"),
    _text("reason"),
    _text("requested_by"),
    _moment("created_at", optional=False),
    _moment("updated_at", optional=False),
    _text("status"),
    _flag("source_gone"),
    _flag("source_seated"),
    _document("offer", optional=True),
    _document("parked", optional=True),
    _text("cleared_target"),
    _text("approval_id"),
    _text("decision_id"),
    _text("target"),
    _count("target_epoch"),
    _text("received_hash"),
    _document("accepted_obligations"),
    _text("failure_hash"),
    Column("tries", Integer, nullable=False),
    _moment("next_try_at"),
    _text("last_event_id"),
    # Derived, for questions.
    _text("source"),
    _text("offered_to"),
    *_wake(),
    Index(
        "handoffs_one_open",
        "tenant",
        "task_id",
        unique=True,
        postgresql_where=text(OPEN_HANDOFF),
    ),
    Index("handoffs_of_task", "tenant", "task_id"),
    Index("handoffs_newest", "tenant", "created_at", "handoff_id"),
    Index("handoffs_due", "wake_at", postgresql_where=text("wake_at IS NOT NULL")),
    Index("handoffs_from", "tenant", "source", postgresql_where=text(OPEN_HANDOFF)),
    Index("handoffs_to", "tenant", "offered_to", postgresql_where=text("offered_to <> ''")),
)
"""Links from one owner to the next; at most one open a task."""

offers = tenant_table(
    "offers",
    metadata,
    _text("offer_id", key=True),
    _text("handoff_id"),
    _text("task_id"),
    _document("offer"),
    _moment("made_at", optional=False),
    _text("outcome"),
    _moment("ended_at"),
    Index("offers_of_handoff", "tenant", "handoff_id"),
)
"""Every offer and what became of it."""

retirements = tenant_table(
    "retirements",
    metadata,
    _text("retirement_id", key=True),
    _text("participant_id"),
    _text("mode"),
    _moment("deadline", optional=False),
    _text("reason"),
    _text("requested_by"),
    _text("decision_id"),
    _text("correlation_id"),
    _moment("created_at", optional=False),
    _text("status"),
    _flag("announced"),
    _flag("source_gone"),
    _document("outcomes"),
    _count("version"),
    _moment("next_try_at"),
    _moment("finished_at"),
    _text("last_event_id"),
    *_wake(),
    UniqueConstraint("tenant", "participant_id"),
    Index("retirements_newest", "tenant", "created_at", "retirement_id"),
    Index("retirements_due", "wake_at", postgresql_where=text("wake_at IS NOT NULL")),
)
"""Who leaves for ever, and what became of what it held; one a participant."""

approvals = tenant_table(
    "approvals",
    metadata,
    _text("approval_id", key=True),
    _text("task_id"),
    _text("action"),
    _text("subject_hash"),
    _text("state"),
    _moment("requested_at", optional=False),
    _text("target"),
    _text("handoff_id"),
    _text("decided_by"),
    _text("decider_type"),
    _text("decider_status"),
    _text("comment"),
    _flag("cancel_wanted"),
    _moment("next_poll_at"),
    Column("polls", Integer, nullable=False),
    _moment("claimed_until"),
    Index("approvals_of_task", "tenant", "task_id"),
    Index("approvals_due", "next_poll_at", postgresql_where=text("next_poll_at IS NOT NULL")),
)
"""What humans were asked about tasks, and their answers as far as read."""

authorizations = tenant_table(
    "authorizations",
    metadata,
    _text("task_id", key=True),
    _text("action", key=True),
    _text("subject_hash", key=True),
    _text("authorization_id"),
    _text("kind"),
    _text("domain"),
    _text("approval_id"),
    _text("decision_id"),
    _text("participant_id"),
    _count("epoch"),
    _moment("at", optional=False),
    _text("event_id"),
    _count("event_version"),
    UniqueConstraint("tenant", "authorization_id"),
)
"""Leave to act, once for each task, action and content."""

left_out = tenant_table(
    "left_out",
    metadata,
    _text("task_id", key=True),
    _text("participant_id", key=True),
    _text("scope", key=True),
    _text("reason"),
    _text("because"),
    Column("tries", Integer, nullable=False),
    _moment("until"),
    _text("decision_id"),
)
"""Who is not asked for a task, and until when."""

denials = tenant_table(
    "denials",
    metadata,
    _text("task_id", key=True),
    _text("participant_id", key=True),
    _text("point", key=True),
    _text("reasons_hash"),
)
"""The last denial for each task and candidate: the same one again is not audited again."""

outbox = outbox_table(metadata)
directive_outbox = directive_outbox_table(metadata)
idempotency = idempotency_table(metadata)

"""The tables of tasks and of what belongs to each. Columns carry the names of the fields.

Three columns are for the background workers alone: ``wake_at`` is derived from the row at each
write, ``claimed_until`` says that a worker is on its way, ``priority`` orders the queue.
"""

from sqlalchemy import Column, Index, Integer, Interval, LargeBinary, UniqueConstraint, text

from assignment_svc.store.columns import (
    count_,
    document_,
    flag_,
    metadata,
    moment_,
    text_,
    wake_,
)
from phoenix_runtime.chassis.data.tables import tenant_table

tasks = tenant_table(
    "tasks",
    metadata,
    text_("task_id", key=True),
    # What was submitted.
    text_("objective"),
    document_("required_capabilities"),
    document_("data_domains"),
    text_("risk_level"),
    document_("policy_constraints"),
    text_("input_hash"),
    Column("priority", Integer, nullable=False),
    moment_("deadline_at"),
    Column("start_timeout", Interval, nullable=False),
    Column("attempt_timeout", Interval),
    Column("max_attempts", Integer, nullable=False),
    text_("parent_task_id"),
    flag_("detached"),
    flag_("degraded_allowed"),
    text_("intent"),
    text_("task_type"),
    text_("submitter"),
    text_("submitter_participant_id"),
    text_("correlation_id"),
    moment_("submitted_at", optional=False),
    text_("submit_event_id"),
    Column("depth", Integer, nullable=False),
    # What changes.
    moment_("updated_at", optional=False),
    text_("status"),
    count_("version"),
    count_("epoch"),
    Column("attempt", Integer, nullable=False),
    document_("binding", optional=True),
    document_("parked", optional=True),
    document_("pointer", optional=True),
    document_("obligations"),
    text_("result_hash"),
    text_("reason"),
    text_("handoff_id"),
    text_("last_event_id"),
    text_("failure_hash"),
    Column("tries", Integer, nullable=False),
    moment_("next_try_at"),
    moment_("start_due_at"),
    moment_("attempt_due_at"),
    moment_("resume_due_at"),
    # Derived, for questions.
    text_("participant_id"),
    text_("parked_target_id"),
    *wake_(),
    Index("tasks_newest", "tenant", "submitted_at", "task_id"),
    Index("tasks_due", "wake_at", postgresql_where=text("wake_at IS NOT NULL")),
    Index(
        "tasks_waiting",
        "tenant",
        "next_try_at",
        postgresql_where=text("next_try_at IS NOT NULL"),
    ),
    Index("tasks_held", "tenant", "participant_id", postgresql_where=text("participant_id <> ''")),
    Index(
        "tasks_parked",
        "tenant",
        "parked_target_id",
        postgresql_where=text("parked_target_id <> ''"),
    ),
    Index(
        "tasks_family", "tenant", "parent_task_id", postgresql_where=text("parent_task_id <> ''")
    ),
    Index("tasks_correlation", "tenant", "correlation_id"),
)
"""One row decides: status, owner, epoch and newest context of a task."""

bindings = tenant_table(
    "bindings",
    metadata,
    text_("task_id", key=True),
    count_("epoch", key=True),
    text_("assignment_id"),
    text_("participant_id"),
    text_("owner"),
    count_("generation"),
    count_("standing_revision"),
    text_("decision_id"),
    text_("explanation"),
    moment_("bound_at", optional=False),
    text_("gained_by"),
    moment_("ended_at"),
    text_("ended_by"),
    UniqueConstraint("tenant", "assignment_id"),
)
"""Every acquisition of every task, one an epoch."""

context_pointers = tenant_table(
    "context_pointers",
    metadata,
    text_("task_id", key=True),
    count_("version", key=True),
    text_("hash"),
    count_("size_bytes"),
    text_("participant_id"),
    count_("epoch"),
    moment_("recorded_at", optional=False),
    flag_("by_reference"),
    text_("external_ref"),
)
"""Every recorded checkpoint; the newest stands in its task's row too."""

contents = tenant_table(
    "contents",
    metadata,
    text_("hash", key=True),
    Column("content", LargeBinary, nullable=False),
)
"""Inputs and results under their hash."""

exclusions = tenant_table(
    "exclusions",
    metadata,
    text_("task_id", key=True),
    text_("participant_id", key=True),
    text_("scope", key=True),
    text_("reason"),
    text_("because"),
    Column("tries", Integer, nullable=False),
    moment_("excluded_until"),
    text_("decision_id"),
)
"""Who is not asked for a task, and until when."""

denials = tenant_table(
    "denials",
    metadata,
    text_("task_id", key=True),
    text_("participant_id", key=True),
    text_("point", key=True),
    text_("reasons_hash"),
)
"""The last denial for each task and candidate: the same one again is not audited again."""

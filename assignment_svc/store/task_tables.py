"""The tables of tasks and of what belongs to them. Columns carry the names of the fields.

Three columns serve the background workers: ``wake_at`` is derived from the row at each write,
``claimed_until`` is a worker's claim, ``priority`` orders the queue.
"""

from sqlalchemy import Column, Index, Integer, Interval, LargeBinary, UniqueConstraint, text

from phoenix_runtime.chassis.data.columns import (
    count_column,
    document_column,
    flag_column,
    instant_column,
    text_column,
    wake_columns,
)
from phoenix_runtime.chassis.data.tables import service_metadata, tenant_table

metadata = service_metadata("assignment")

tasks = tenant_table(
    "tasks",
    metadata,
    text_column("task_id", key=True),
    # The submission; never changes.
    text_column("objective"),
    document_column("required_capabilities"),
    document_column("data_domains"),
    text_column("risk_level"),
    document_column("policy_constraints"),
    text_column("input_hash"),
    Column("priority", Integer, nullable=False),
    instant_column("deadline_at", optional=True),
    Column("start_timeout", Interval, nullable=False),
    Column("attempt_timeout", Interval),
    Column("max_attempts", Integer, nullable=False),
    Column("max_losses", Integer, nullable=False),
    text_column("parent_task_id"),
    flag_column("detached"),
    flag_column("degraded_allowed"),
    text_column("intent"),
    text_column("task_type"),
    text_column("submitter"),
    text_column("submitter_participant_id"),
    text_column("correlation_id"),
    instant_column("submitted_at"),
    text_column("submit_event_id"),
    Column("depth", Integer, nullable=False),
    # The rest changes.
    instant_column("updated_at"),
    text_column("status"),
    count_column("version"),
    count_column("epoch"),
    Column("attempt", Integer, nullable=False),
    Column("losses", Integer, nullable=False),
    document_column("lost"),
    document_column("binding", optional=True),
    document_column("parked", optional=True),
    document_column("pointer", optional=True),
    document_column("obligations"),
    text_column("result_hash"),
    text_column("reason"),
    text_column("why"),
    text_column("handoff_id"),
    text_column("last_event_id"),
    text_column("failure_hash"),
    Column("tries", Integer, nullable=False),
    instant_column("next_try_at", optional=True),
    instant_column("start_due_at", optional=True),
    instant_column("attempt_due_at", optional=True),
    # Which kinds of other rows it may have (`related.Related`); every kind where nothing was said.
    Column("related", Integer, nullable=False, server_default=text("15")),
    instant_column("resume_due_at", optional=True),
    # Derived from the fields above, for queries.
    text_column("participant_id"),
    text_column("parked_target_id"),
    *wake_columns(),
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
"""Tasks: the row decides about status, owner, epoch and newest context."""

bindings = tenant_table(
    "bindings",
    metadata,
    text_column("task_id", key=True),
    count_column("epoch", key=True),
    text_column("assignment_id"),
    text_column("participant_id"),
    text_column("owner"),
    count_column("generation"),
    count_column("standing_revision"),
    text_column("decision_id"),
    text_column("explanation"),
    instant_column("bound_at"),
    text_column("gained_by"),
    instant_column("ended_at", optional=True),
    text_column("ended_by"),
    UniqueConstraint("tenant", "assignment_id"),
)
"""Every acquisition of every task, one an epoch."""

context_pointers = tenant_table(
    "context_pointers",
    metadata,
    text_column("task_id", key=True),
    count_column("version", key=True),
    text_column("hash"),
    count_column("size_bytes"),
    text_column("participant_id"),
    count_column("epoch"),
    instant_column("recorded_at"),
    flag_column("by_reference"),
    text_column("external_ref"),
)
"""Every recorded checkpoint; the newest is in its task's row, too."""

contents = tenant_table(
    "contents",
    metadata,
    text_column("hash", key=True),
    Column("content", LargeBinary, nullable=False),
)
"""Inputs and results under their hash."""

exclusions = tenant_table(
    "exclusions",
    metadata,
    text_column("task_id", key=True),
    text_column("participant_id", key=True),
    text_column("scope", key=True),
    text_column("reason"),
    text_column("because"),
    Column("tries", Integer, nullable=False),
    instant_column("excluded_until", optional=True),
    text_column("decision_id"),
)
"""Participants that are not asked for a task, and until when."""

denials = tenant_table(
    "denials",
    metadata,
    text_column("task_id", key=True),
    text_column("participant_id", key=True),
    text_column("point", key=True),
    text_column("reasons_hash"),
)
"""The last denial for each task and candidate; only a different one is audited again."""

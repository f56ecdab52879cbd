"""The tables of assignment; those of tasks stand in `task_tables`."""

from sqlalchemy import Column, Index, Integer, UniqueConstraint, text

from assignment_svc.store.task_tables import (
    bindings,
    contents,
    context_pointers,
    denials,
    exclusions,
    metadata,
    tasks,
)
from phoenix_runtime.chassis.data.columns import (
    count_column,
    document_column,
    flag_column,
    instant_column,
    text_column,
    wake_columns,
)
from phoenix_runtime.chassis.data.tables import (
    directive_outbox_table,
    idempotency_table,
    outbox_table,
    tenant_table,
)

__all__ = [
    "HANDOFF_IS_OPEN",
    "approvals",
    "authorizations",
    "bindings",
    "contents",
    "context_pointers",
    "denials",
    "effects",
    "exclusions",
    "gates",
    "handoffs",
    "metadata",
    "offers",
    "retirements",
    "tasks",
]

HANDOFF_IS_OPEN = text("status IN ('initiated', 'awaiting_approval', 'offered')")
"""The condition of the partial indexes. PostgreSQL uses such an index only for a statement with the
very same condition, so it holds no parameters."""

gates = tenant_table(
    "gates",
    metadata,
    text_column("participant_id", key=True),
    Column("capacity", Integer, nullable=False),
    Column("used", Integer, nullable=False),
    count_column("standing_revision"),
    count_column("generation"),
    text_column("status"),
    text_column("retirement_id"),
)
"""Which participants may be given work, and how much."""


handoffs = tenant_table(
    "handoffs",
    metadata,
    text_column("handoff_id", key=True),
    text_column("task_id"),
    text_column("correlation_id"),
    document_column("source_binding"),
    text_column("reason"),
    text_column("requested_by"),
    instant_column("created_at"),
    instant_column("updated_at"),
    text_column("status"),
    flag_column("source_gone"),
    flag_column("source_seated"),
    document_column("offer", optional=True),
    document_column("parked", optional=True),
    text_column("cleared_target_id"),
    text_column("approval_id"),
    text_column("decision_id"),
    text_column("target"),
    count_column("target_epoch"),
    text_column("received_hash"),
    document_column("accepted_obligations"),
    text_column("failure_hash"),
    Column("tries", Integer, nullable=False),
    instant_column("next_try_at", optional=True),
    text_column("last_event_id"),
    # Derived from the fields above, for queries.
    text_column("source"),
    text_column("offered_target_id"),
    *wake_columns(),
    Index(
        "handoffs_one_open",
        "tenant",
        "task_id",
        unique=True,
        postgresql_where=HANDOFF_IS_OPEN,
    ),
    Index("handoffs_of_task", "tenant", "task_id"),
    Index("handoffs_newest", "tenant", "created_at", "handoff_id"),
    Index("handoffs_due", "wake_at", postgresql_where=text("wake_at IS NOT NULL")),
    Index("handoffs_from", "tenant", "source", postgresql_where=HANDOFF_IS_OPEN),
    Index(
        "handoffs_to",
        "tenant",
        "offered_target_id",
        postgresql_where=text("offered_target_id <> ''"),
    ),
)
"""Handoffs from one owner to the next; at most one open a task."""

offers = tenant_table(
    "offers",
    metadata,
    text_column("offer_id", key=True),
    text_column("handoff_id"),
    text_column("task_id"),
    document_column("offer"),
    instant_column("made_at"),
    text_column("outcome"),
    instant_column("ended_at", optional=True),
    Index("offers_of_handoff", "tenant", "handoff_id"),
)
"""Every offer and its outcome."""

retirements = tenant_table(
    "retirements",
    metadata,
    text_column("retirement_id", key=True),
    text_column("participant_id"),
    text_column("mode"),
    instant_column("deadline_at"),
    text_column("reason"),
    text_column("requested_by"),
    text_column("decision_id"),
    text_column("correlation_id"),
    instant_column("created_at"),
    text_column("status"),
    flag_column("announced"),
    flag_column("source_gone"),
    document_column("outcomes"),
    count_column("version"),
    instant_column("next_try_at", optional=True),
    instant_column("finished_at", optional=True),
    text_column("last_event_id"),
    *wake_columns(),
    UniqueConstraint("tenant", "participant_id"),
    Index("retirements_newest", "tenant", "created_at", "retirement_id"),
    Index("retirements_due", "wake_at", postgresql_where=text("wake_at IS NOT NULL")),
)
"""Retirements, with the outcome of each task that the participant held; one a participant."""

approvals = tenant_table(
    "approvals",
    metadata,
    text_column("approval_id", key=True),
    text_column("task_id"),
    text_column("action"),
    text_column("subject_hash"),
    text_column("state"),
    instant_column("requested_at"),
    text_column("target"),
    text_column("handoff_id"),
    text_column("decided_by"),
    text_column("decider_type"),
    text_column("decider_status"),
    text_column("comment"),
    flag_column("cancel_wanted"),
    instant_column("next_poll_at", optional=True),
    Column("polls", Integer, nullable=False),
    instant_column("claimed_until", optional=True),
    Index("approvals_of_task", "tenant", "task_id"),
    Index("approvals_due", "next_poll_at", postgresql_where=text("next_poll_at IS NOT NULL")),
)
"""Questions to humans about tasks, and their answers as far as they were read."""

authorizations = tenant_table(
    "authorizations",
    metadata,
    text_column("task_id", key=True),
    text_column("action", key=True),
    text_column("subject_hash", key=True),
    text_column("authorization_id"),
    text_column("kind"),
    text_column("domain"),
    text_column("approval_id"),
    text_column("decision_id"),
    text_column("participant_id"),
    count_column("epoch"),
    instant_column("authorized_at"),
    text_column("event_id"),
    count_column("event_version"),
    UniqueConstraint("tenant", "authorization_id"),
)
"""Authorizations to act, one for each task, action and content."""

effects = tenant_table(
    "effects",
    metadata,
    text_column("authorization_id", key=True),
    text_column("task_id"),
    text_column("action"),
    text_column("subject_hash"),
    text_column("kind"),
    text_column("domain"),
    flag_column("idempotent"),
    text_column("status"),
    Column("begun", Integer, nullable=False),
    text_column("participant_id"),
    count_column("epoch"),
    instant_column("begun_at"),
    text_column("approval_id"),
    text_column("decision_id"),
    text_column("recorded_by"),
    instant_column("recorded_at", optional=True),
    text_column("outcome_hash"),
    text_column("why"),
    text_column("event_id"),
    count_column("event_version"),
    Index("effects_of_task", "tenant", "task_id"),
    Index("effects_newest", "tenant", "begun_at", "authorization_id"),
)
"""Effects outside the runtime, one for each authorization that was begun."""


outbox = outbox_table(metadata)
directive_outbox = directive_outbox_table(metadata)
idempotency = idempotency_table(metadata)

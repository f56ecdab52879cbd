"""The other tables of assignment, and all of them as one schema; see `task_tables`, `records`."""

from sqlalchemy import Column, Index, Integer, UniqueConstraint, text

from assignment_svc.store.columns import (
    count_,
    document_,
    flag_,
    metadata,
    moment_,
    text_,
    wake_,
)
from assignment_svc.store.task_tables import (
    bindings,
    contents,
    context_pointers,
    denials,
    exclusions,
    tasks,
)
from phoenix_runtime.chassis.data.tables import (
    directive_outbox_table,
    idempotency_table,
    outbox_table,
    tenant_table,
)

__all__ = [
    "approvals",
    "authorizations",
    "bindings",
    "contents",
    "context_pointers",
    "denials",
    "exclusions",
    "gates",
    "handoffs",
    "metadata",
    "offers",
    "retirements",
    "tasks",
]

OPEN_HANDOFF = "status IN ('initiated', 'awaiting_approval', 'offered')"

gates = tenant_table(
    "gates",
    metadata,
    text_("participant_id", key=True),
    Column("capacity", Integer, nullable=False),
    Column("used", Integer, nullable=False),
    count_("standing_revision"),
    count_("generation"),
    text_("status"),
    text_("retirement_id"),
)
"""Who may still be given work, and how much."""


handoffs = tenant_table(
    "handoffs",
    metadata,
    text_("handoff_id", key=True),
    text_("task_id"),
    text_("correlation_id"),
    document_("source_binding"),
    text_("reason"),
    text_("requested_by"),
    moment_("created_at", optional=False),
    moment_("updated_at", optional=False),
    text_("status"),
    flag_("source_gone"),
    flag_("source_seated"),
    document_("offer", optional=True),
    document_("parked", optional=True),
    text_("cleared_target_id"),
    text_("approval_id"),
    text_("decision_id"),
    text_("target"),
    count_("target_epoch"),
    text_("received_hash"),
    document_("accepted_obligations"),
    text_("failure_hash"),
    Column("tries", Integer, nullable=False),
    moment_("next_try_at"),
    text_("last_event_id"),
    # Derived, for questions.
    text_("source"),
    text_("offered_target_id"),
    *wake_(),
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
    Index(
        "handoffs_to",
        "tenant",
        "offered_target_id",
        postgresql_where=text("offered_target_id <> ''"),
    ),
)
"""Links from one owner to the next; at most one open a task."""

offers = tenant_table(
    "offers",
    metadata,
    text_("offer_id", key=True),
    text_("handoff_id"),
    text_("task_id"),
    document_("offer"),
    moment_("made_at", optional=False),
    text_("outcome"),
    moment_("ended_at"),
    Index("offers_of_handoff", "tenant", "handoff_id"),
)
"""Every offer and what became of it."""

retirements = tenant_table(
    "retirements",
    metadata,
    text_("retirement_id", key=True),
    text_("participant_id"),
    text_("mode"),
    moment_("deadline_at", optional=False),
    text_("reason"),
    text_("requested_by"),
    text_("decision_id"),
    text_("correlation_id"),
    moment_("created_at", optional=False),
    text_("status"),
    flag_("announced"),
    flag_("source_gone"),
    document_("outcomes"),
    count_("version"),
    moment_("next_try_at"),
    moment_("finished_at"),
    text_("last_event_id"),
    *wake_(),
    UniqueConstraint("tenant", "participant_id"),
    Index("retirements_newest", "tenant", "created_at", "retirement_id"),
    Index("retirements_due", "wake_at", postgresql_where=text("wake_at IS NOT NULL")),
)
"""Who leaves for ever, and what became of what it held; one a participant."""

approvals = tenant_table(
    "approvals",
    metadata,
    text_("approval_id", key=True),
    text_("task_id"),
    text_("action"),
    text_("subject_hash"),
    text_("state"),
    moment_("requested_at", optional=False),
    text_("target"),
    text_("handoff_id"),
    text_("decided_by"),
    text_("decider_type"),
    text_("decider_status"),
    text_("comment"),
    flag_("cancel_wanted"),
    moment_("next_poll_at"),
    Column("polls", Integer, nullable=False),
    moment_("claimed_until"),
    Index("approvals_of_task", "tenant", "task_id"),
    Index("approvals_due", "next_poll_at", postgresql_where=text("next_poll_at IS NOT NULL")),
)
"""What humans were asked about tasks, and their answers as far as read."""

authorizations = tenant_table(
    "authorizations",
    metadata,
    text_("task_id", key=True),
    text_("action", key=True),
    text_("subject_hash", key=True),
    text_("authorization_id"),
    text_("kind"),
    text_("domain"),
    text_("approval_id"),
    text_("decision_id"),
    text_("participant_id"),
    count_("epoch"),
    moment_("authorized_at", optional=False),
    text_("event_id"),
    count_("event_version"),
    UniqueConstraint("tenant", "authorization_id"),
)
"""Leave to act, once for each task, action and content."""


outbox = outbox_table(metadata)
directive_outbox = directive_outbox_table(metadata)
idempotency = idempotency_table(metadata)

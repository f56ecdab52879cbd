"""Checks an approval request before it is recorded."""

from collections.abc import Iterator
from datetime import datetime

from governance_svc.domain.approvals.approval import ApprovalRequest
from phoenix_runtime.core.errors import FieldInvalid, TooLarge, Violation
from phoenix_runtime.core.ids import NO_ID, is_identifier
from phoenix_runtime.core.json import JsonObject, NotCanonical, canonical

MAX_SUBJECT_BYTES = 256 * 1024
"""The largest subject, as canonical JSON: as much as a human can be shown."""

MAX_NAMES = 1000
"""The most approvers, barred participants and barred owners, each."""


def check_request(request: ApprovalRequest, now: datetime) -> None:
    """Raises `FieldInvalid` with every violation, `TooLarge` for the subject."""
    violations = list(_violations(request, now))
    if violations:
        raise FieldInvalid(violations)
    size = len(canonical(request.subject))
    if size > MAX_SUBJECT_BYTES:
        raise TooLarge("subject", size=size, limit=MAX_SUBJECT_BYTES)


def _violations(request: ApprovalRequest, now: datetime) -> Iterator[Violation]:
    if not is_identifier(request.task_id):
        yield Violation("task_id", NO_ID)
    if not is_identifier(request.action):
        yield Violation("action", "is not the name of an action")
    if not is_identifier(request.correlation_id):
        yield Violation("correlation_id", NO_ID)
    yield from _subject_violations(request.subject)
    for name in ("approvers", "barred", "barred_owners", "barred_credentials"):
        if len(getattr(request, name)) > MAX_NAMES:
            yield Violation(name, f"at most {MAX_NAMES}")
    if request.expires_at is not None and request.expires_at <= now:
        yield Violation("expire_time", "is not in the future")


def _subject_violations(subject: JsonObject) -> Iterator[Violation]:
    """A subject is a JSON object with content and one canonical form."""
    if not subject:
        yield Violation("subject", "is empty: there is nothing that a human could approve")
    try:
        canonical(subject)
    except NotCanonical as error:
        yield Violation("subject", str(error))

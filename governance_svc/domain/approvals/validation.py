"""What a question to a human has to be like."""

from collections.abc import Iterator
from datetime import datetime

from governance_svc.domain.approvals.approval import Question
from phoenix_runtime.core.errors import FieldInvalid, TooLarge, Violation
from phoenix_runtime.core.ids import NO_ID, is_identifier
from phoenix_runtime.core.json import JsonObject, NotCanonical, canonical

LARGEST_SUBJECT = 256 * 1024
"""Bytes of canonical JSON that a human can be shown."""

MOST_NAMES = 1000
"""Approvers, barred, owners: each at most so many."""


def check_question(question: Question, now: datetime) -> None:
    """Raises `FieldInvalid` with everything that is wrong, `TooLarge` for the subject."""
    violations = list(_faults(question, now))
    if violations:
        raise FieldInvalid(violations)
    size = len(canonical(question.subject))
    if size > LARGEST_SUBJECT:
        raise TooLarge("subject", size=size, limit=LARGEST_SUBJECT)


def subject_faults(subject: JsonObject) -> Iterator[Violation]:
    """A subject is a JSON object that says something and has one canonical form."""
    if not subject:
        yield Violation("subject", "a human cannot approve nothing")
    try:
        canonical(subject)
    except NotCanonical as error:
        yield Violation("subject", str(error))


def _faults(question: Question, now: datetime) -> Iterator[Violation]:
    if not is_identifier(question.task_id):
        yield Violation("task_id", NO_ID)
    if not is_identifier(question.action):
        yield Violation("action", "is no name of an action")
    if not is_identifier(question.correlation_id):
        yield Violation("correlation_id", NO_ID)
    yield from subject_faults(question.subject)
    for name in ("approvers", "barred", "barred_owners"):
        if len(getattr(question, name)) > MOST_NAMES:
            yield Violation(name, f"at most {MOST_NAMES}")
    if question.expire_time is not None and question.expire_time <= now:
        yield Violation("expire_time", "is not in the future")

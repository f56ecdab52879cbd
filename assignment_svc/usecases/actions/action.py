"""An action of an assignee, and its parsed content, which a human's yes is bound to."""

import re
from dataclasses import dataclass
from typing import Final

from assignment_svc.domain.approval import ASSIGN, COMPLETE, HANDOFF, ApprovalSubject
from assignment_svc.domain.declaration import sized
from assignment_svc.domain.states import ActionKind
from phoenix_runtime.core.errors import FieldInvalid, Violation
from phoenix_runtime.core.ids import is_name
from phoenix_runtime.core.json import JsonObject, NotCanonical, canonical

LARGEST_SUBJECT = 64 * 1024
NAME: Final = re.compile(r"[a-z0-9][a-z0-9_.:/-]{0,127}", re.ASCII)
"""Constraints gate an operation by its name: one that only looks like ``merge`` would pass them,
and a human would read the same word."""
RESERVED = frozenset({ASSIGN, COMPLETE, HANDOFF})
"""A human's yes to one of these must never pass for a yes to an operation."""


@dataclass(frozen=True, slots=True)
class Action:
    """What an assignee wants to do; ``subject`` is what a human would be shown."""

    task_id: str
    epoch: int
    kind: ActionKind
    name: str
    subject: JsonObject
    domain: str = ""


def subject_of(action: Action, participant: str) -> ApprovalSubject:
    """The content of an action, parsed; raises `FieldInvalid` or `TooLarge`."""
    violations = []
    if not NAME.fullmatch(action.name):
        text = (
            "ASCII letters, digits, '_', '.', ':', '/' and '-', 1 to 128, a letter or digit first"
        )
        violations.append(Violation("name", text))
    if action.name in RESERVED:
        violations.append(Violation("name", f"{action.name} is what the runtime itself asks"))
    if action.domain and not is_name(action.domain):
        violations.append(Violation("domain", "is no name of a data domain"))
    try:
        content = canonical(action.subject)
    except NotCanonical as error:
        content = b""
        violations.append(Violation("subject", f"has no canonical form: {error}"))
    if violations:
        raise FieldInvalid(violations)
    document = sized("subject", content, LARGEST_SUBJECT)
    return ApprovalSubject(action.name, action.subject, document.hash, proposed_by=participant)

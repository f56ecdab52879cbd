"""Checks references to state that lives elsewhere (paper, section 6).

The runtime never fetches a reference. It only makes sure that the tenant has configured the place
and that the reference names an immutable version, so that the attested hash stays true.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qsl, urlsplit

from phoenix_runtime.core.errors import FieldInvalid, Violation

LONGEST = 1024
LONGEST_OWNER = 128
EVERY_TENANT = "*"
"""The name under which prefixes for all tenants are configured."""

_HASH = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_REFERENCE = re.compile(r"[a-z][a-z0-9+.-]*://[\x21-\x7e]+", re.ASCII)
_VERSION_PARAMETERS = frozenset(
    {"versionId", "version", "generation", "snapshot", "checkpoint_id", "revision", "xmin"}
)
_MOVING = frozenset({"", "latest", "head", "current", "newest", "null", "main", "master"})


class HandoffProtocol(StrEnum):
    """How the next owner gets access to state that lives elsewhere."""

    READ_IN_PLACE = "read_in_place"
    COPY_THEN_VERIFY = "copy_then_verify"
    TRANSFER_OWNERSHIP = "transfer_ownership"


@dataclass(frozen=True, slots=True)
class StateReference:
    """Location of state, its hash as the caller attests it, its owner, how the next one gets it."""

    state_ref: str
    hash: str
    owner: str
    handoff_protocol: HandoffProtocol = HandoffProtocol.READ_IN_PLACE


@dataclass(frozen=True, slots=True)
class ReferenceKey:
    """Identifies one reference: the version of a task's context, its writer, epoch and hash.

    Writer and epoch are part of the key: a reference that was stored by a participant without the
    task never takes the place in which the owner's reference is looked up.
    """

    task_id: str
    version: int
    participant_id: str
    epoch: int
    hash: str


@dataclass(frozen=True, slots=True)
class ReferencePlaces:
    """The prefixes that each tenant has configured; ``*`` holds those of every tenant."""

    prefixes: Mapping[str, tuple[str, ...]]

    def allows(self, tenant: str, state_ref: str) -> bool:
        """True where ``state_ref`` lies below a configured prefix, at a segment's boundary."""
        own = (*self.prefixes.get(tenant, ()), *self.prefixes.get(EVERY_TENANT, ()))
        return any(_below(prefix, state_ref) for prefix in own)


def is_hash(text: str) -> bool:
    """True for ``sha256:`` and 64 lower-case hexadecimal digits."""
    return _HASH.fullmatch(text) is not None


def check_reference(reference: StateReference, tenant: str, places: ReferencePlaces) -> None:
    """Raise `FieldInvalid` with everything wrong with ``reference`` at once."""
    violations = list(_violations(reference, tenant, places))
    if violations:
        raise FieldInvalid(violations)


def _violations(
    reference: StateReference, tenant: str, places: ReferencePlaces
) -> Iterator[Violation]:
    """Everything wrong with ``reference``."""
    problem = _problem(reference.state_ref)
    if problem:
        yield Violation("state_ref", problem)
    elif not places.allows(tenant, reference.state_ref):
        yield Violation("state_ref", "is in no place that this tenant has configured")
    elif not names_version(reference.state_ref):
        text = "names no immutable version: end it with @<version> or #<version>, or give versionId"
        yield Violation("state_ref", text)
    if not is_hash(reference.hash):
        yield Violation("hash", "is no hash: sha256: and 64 hexadecimal digits")
    if len(reference.owner) > LONGEST_OWNER or not reference.owner.isprintable():
        yield Violation("owner", f"is no name of at most {LONGEST_OWNER} printable characters")


def names_version(state_ref: str) -> bool:
    """True where the reference names one version: ``@v``, ``#v``, ``?versionId=v``; not latest."""
    parts = urlsplit(state_ref)
    last = parts.path.rpartition("/")[2]
    named = [last.rpartition("@")[2]] if "@" in last else []
    if parts.fragment:
        named.append(parts.fragment)
    named += [v for k, v in parse_qsl(parts.query) if k in _VERSION_PARAMETERS]
    return bool(named) and all(name.lower() not in _MOVING for name in named)


def _problem(state_ref: str) -> str:
    """What makes ``state_ref`` invalid; empty where it is a reference."""
    if len(state_ref) > LONGEST:
        return f"is longer than {LONGEST} characters"
    if _REFERENCE.fullmatch(state_ref) is None:
        return "is no reference: <scheme>://… in printable ASCII without spaces"
    try:
        parts = urlsplit(state_ref)
        user = parts.username is not None or parts.password is not None
    except ValueError:
        return "is no reference: its host cannot be read"
    if user:
        return "holds a user or a secret; a reference names a place only"
    if ".." in state_ref or "%2e" in state_ref.lower() or "\\" in state_ref:
        return "has .. or an escape of it; a reference is a plain path"
    return ""


def _below(prefix: str, state_ref: str) -> bool:
    """True where ``state_ref`` continues ``prefix`` at a boundary: s3://a is not above s3://ab."""
    if not state_ref.startswith(prefix) or len(state_ref) == len(prefix):
        return False
    return prefix.endswith(("/", ":")) or state_ref[len(prefix)] in "/@#?"

"""A tenant's own words and rules, beside the shipped bundle and never in place of it."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from governance_svc.domain.policy.bundle import BundleRefused, PolicyBundle, make_bundle
from phoenix_runtime.core.errors import Violation
from phoenix_runtime.core.json import Json, JsonObject, content_hash

CATALOGUE: Final = "catalogue.json"
PREFIX: Final = "own/"
"""Where the modules of an overlay stand among those of the whole bundle."""

MAX_FILES: Final = 200
MAX_BYTES: Final = 1024 * 1024
FILE_NAME: Final = re.compile(r"(?:[A-Za-z0-9_-]+/)*[A-Za-z0-9_.-]+\.rego", re.ASCII)
UNITED: Final = frozenset({"participant_types", "actions", "secrets"})
"""Lists of the catalogue to which an overlay adds; it replaces other lists."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """The files by their path, and the digest of all of them."""

    files: Mapping[str, str]
    revision: str

    @property
    def additions(self) -> JsonObject:
        """What is added to the catalogue."""
        document: JsonObject = json.loads(self.files.get(CATALOGUE, "{}"))
        return document

    @property
    def adds_nothing(self) -> bool:
        """Whether it is the shipped bundle alone, as proposed by who wants to go back to that."""
        return not self.additions and set(self.files) <= {CATALOGUE}


@dataclass(frozen=True, slots=True)
class StoredOverlay:
    """An overlay that was uploaded to a tenant; ``number`` counts the uploads.

    ``policy_version`` is that of the tenant's `PolicyHead` at the upload: whoever uploads proposes
    a change of the policy that they see, so the proposal ends with the next change.
    ``uploader_credentials`` are the enrolment that they hold and those that it descends from.
    """

    number: int
    overlay_revision: str
    document: JsonObject
    policy_revision: str
    tests_passed: int
    note: str
    uploaded_by: str
    uploaded_at: datetime
    policy_version: int
    uploader_credentials: tuple[str, ...] = ()

    @property
    def overlay(self) -> Overlay:
        """The overlay itself."""
        files = {path: str(source) for path, source in self.document.items()}
        return Overlay(files, self.overlay_revision)


def read_overlay(files: Mapping[str, str]) -> Overlay:
    """The overlay of ``files``; raises `BundleRefused` for what it may not hold."""
    violations = list(_violations(files))
    if violations:
        raise BundleRefused(violations)
    return Overlay(dict(files), content_hash(dict(files)))


def compose(base: PolicyBundle, overlay: Overlay) -> PolicyBundle:
    """The shipped rules with those of ``overlay``, and the catalogue with its additions.

    The shipped tests are left out: they judge the shipped words. Raises `CatalogueInvalid`.
    """
    own = {
        f"{PREFIX}{path}": source
        for path, source in overlay.files.items()
        if path.endswith(".rego")
    }
    data = _merged(base.data, overlay.additions)
    return make_bundle({**base.rules, **own}, data, own=frozenset(own))


def replaced(base: PolicyBundle, overlay: Overlay) -> tuple[str, ...]:
    """The entries of the shipped catalogue that ``overlay`` replaces, by path."""
    return tuple(_replaced(base.data, overlay.additions))


def _violations(files: Mapping[str, str]) -> Iterator[Violation]:
    if len(files) > MAX_FILES:
        yield Violation("files", f"at most {MAX_FILES}, not {len(files)}")
    size = sum(len(source.encode()) for source in files.values())
    if size > MAX_BYTES:
        yield Violation("files", f"at most {MAX_BYTES} bytes, not {size}")
    if not files:
        yield Violation("files", "none is there: `phoenix-dma policy init` makes the first ones")
    for path, source in sorted(files.items()):
        if path == CATALOGUE:
            yield from _catalogue_violations(source)
        elif not FILE_NAME.fullmatch(path):
            yield Violation(path, f"is neither {CATALOGUE} nor a .rego file")


def _catalogue_violations(source: str) -> Iterator[Violation]:
    try:
        document = json.loads(source, object_pairs_hook=_without_duplicates)
    except ValueError as error:
        yield Violation(CATALOGUE, f"is no JSON: {error}")
        return
    if not isinstance(document, dict):
        yield Violation(CATALOGUE, "is no JSON object")


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        raise ValueError("a key stands in it twice")
    return entries


def _merged(base: JsonObject, more: JsonObject) -> JsonObject:
    merged: dict[str, Json] = dict(base)
    for key, value in more.items():
        known = merged.get(key)
        if isinstance(known, Mapping) and isinstance(value, Mapping):
            merged[key] = _merged(known, value)
        elif key in UNITED and isinstance(known, list) and isinstance(value, list):
            merged[key] = [*known, *(one for one in value if one not in known)]
        else:
            merged[key] = value
    return merged


def _replaced(base: JsonObject, more: JsonObject, path: str = "") -> Iterator[str]:
    for key, value in more.items():
        known = base.get(key)
        if isinstance(known, Mapping) and isinstance(value, Mapping):
            yield from _replaced(known, value, f"{path}{key}.")
        elif known is not None and known != value and key not in UNITED:
            yield f"{path}{key}"

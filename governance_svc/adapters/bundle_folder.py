"""Reads a bundle from a folder: every ``.rego`` below it, and ``catalogue/data.json``."""

import functools
import json
from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path

from governance_svc.domain.policy.bundle import BundleRefused, PolicyBundle, make_bundle
from phoenix_runtime.core.errors import Violation
from phoenix_runtime.core.json import JsonObject, NotCanonical

CATALOGUE = Path("catalogue", "data.json")
"""Where OPA's own tools expect ``data.catalogue`` too, so ``opa test`` runs on the same folder."""


def read_bundle(folder: Path) -> PolicyBundle:
    """The bundle in ``folder``; raises `BundleRefused` or `CatalogueInvalid`, never OSError."""
    try:
        modules = {
            path.relative_to(folder).as_posix(): path.read_text("utf-8")
            for path in sorted(folder.rglob("*.rego"))
        }
        return make_bundle(modules, _read_data(folder / CATALOGUE))
    except (OSError, ValueError, NotCanonical) as error:
        raise BundleRefused([Violation("bundle", f"cannot be read: {error}")]) from error


def shipped_modules() -> Mapping[str, str]:
    """The modules of the bundle that is part of the service, by path."""
    return _shipped().modules


def is_shipped(bundle: PolicyBundle) -> bool:
    """Whether ``bundle`` is the one that is part of the service, and thus known to be good."""
    return bundle.revision == _shipped().revision


def shipped_bundle() -> PolicyBundle:
    """The bundle that is part of the service."""
    with as_file(files("governance_svc").joinpath("bundle")) as folder:
        return read_bundle(folder)


@functools.cache
def _shipped() -> PolicyBundle:
    return shipped_bundle()


def _read_data(path: Path) -> JsonObject:
    data = json.loads(path.read_text("utf-8"), object_pairs_hook=_without_duplicates)
    if not isinstance(data, dict):
        raise TypeError("the catalogue is not a JSON object")
    return data


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Refuses a duplicate key, of which parsers keep different values: the engine might another."""
    entries = dict(pairs)
    if len(entries) != len(pairs):
        raise ValueError("the catalogue has a duplicate key")
    return entries

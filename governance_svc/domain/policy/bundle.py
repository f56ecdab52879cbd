"""A policy bundle: Rego rules and a data document; its revision is the digest of both."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from governance_svc.domain.catalogue.catalogue import Catalogue
from governance_svc.domain.catalogue.document import read_catalogue
from governance_svc.domain.policy.input_reads.report import InputReads
from phoenix_runtime.core.errors import FieldInvalid
from phoenix_runtime.core.json import JsonObject, content_hash


class BundleRefused(FieldInvalid):
    """The bundle is malformed, impure or unsafe, or fails its own tests; it was not activated."""


class BundleCutOff(BundleRefused):
    """A step of loading did not end in time: an endless rule, or a machine that is too busy."""


@dataclass(frozen=True, slots=True)
class PolicyBundle:
    """Rego modules by path (tests included) and the catalogue.

    ``own`` are the modules of an overlay, None for a bundle without one.
    """

    modules: Mapping[str, str]
    catalogue: Catalogue
    revision: str
    own: frozenset[str] | None = None

    @property
    def checked(self) -> Mapping[str, str]:
        """The modules that are checked at loading: of a bundle with an overlay, the overlay's."""
        own = self.modules.keys() if self.own is None else self.own
        return {path: source for path, source in self.modules.items() if path in own}

    @property
    def rules(self) -> Mapping[str, str]:
        """The modules without tests (``*_test.rego``, as OPA's own tools name them)."""
        return {p: source for p, source in self.modules.items() if not p.endswith("_test.rego")}

    @property
    def data(self) -> JsonObject:
        """The data document, at ``data.catalogue`` for the rules."""
        return self.catalogue.document


@dataclass(frozen=True, slots=True)
class BundleTests:
    """How many of a bundle's own tests passed and failed when it was loaded, and what it reads."""

    passed: int
    failed: int = 0
    reads: InputReads = field(default_factory=InputReads)


def make_bundle(
    modules: Mapping[str, str], data: JsonObject, *, own: frozenset[str] | None = None
) -> PolicyBundle:
    """The bundle of ``modules`` and ``data``; raises `CatalogueInvalid` or `NotCanonical`."""
    digest = content_hash({"modules": dict(modules), "data": data})
    return PolicyBundle(dict(modules), read_catalogue(data), digest, own)

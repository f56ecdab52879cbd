"""The declaration of a participant: its claims, checked and as documents (paper, section 7)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from phoenix_runtime.core.json import EMPTY_OBJECT, Json, JsonObject
from phoenix_runtime.core.standing import Liveness
from registry_svc.domain.checks import MOST_NAMES, Checks

MAX_CAPACITY: Final = 10_000
MAX_COST: Final = 1e12
MAX_LATENCY_SECONDS: Final = 86_400.0
DEFAULT_TRUST_POLICY: Final = "enterprise-standard"
SENSITIVITIES: Final = ("public", "internal", "confidential", "restricted")
ENDPOINT_SCHEMES: Final = frozenset({"http", "https", "grpc", "grpcs", "ws", "wss", "mcp", "a2a"})
STATE_SCHEMES: Final = frozenset(
    {"phoenix", "s3", "gs", "az", "https", "postgresql", "postgresql+row", "redis", "mongodb"}
    | {"langgraph", "ray", "qdrant", "neo4j", "git"}
)
UNLEASED_TYPES: Final = frozenset({"human", "data_product", "api"})
"""Types that send no heartbeats unless they declare otherwise; every other type does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEndpoint:
    """A model that a participant uses. ``latency`` is in seconds, ``cost`` per task."""

    name: str
    cost: float = 0.0
    latency: float | None = None
    data_sensitivity: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """The claims of a participant; unchecked until `parse_declaration` has returned it.

    ``status`` and ``trust_score`` are self-declared: kept for the audit, never used. ``cost`` is
    per task in the tenant's unit; ``capacity`` is how many tasks it can hold at once.
    """

    id: str
    type: str
    owner: str
    status: str = ""
    trust_score: float | None = None
    capabilities: Sequence[str] = ()
    permissions: Sequence[str] = ()
    data_domains: Sequence[str] = ()
    state_location: str = ""
    endpoint: str = ""
    metadata: JsonObject = field(default_factory=lambda: EMPTY_OBJECT)
    capacity: int = 1
    cost: float | None = None
    task_types: Sequence[str] = ()
    model_endpoints: Sequence[ModelEndpoint] = ()
    liveness: Liveness | None = None
    trust_policy: str = ""

    @property
    def claimed_domains(self) -> tuple[str, ...]:
        """The domains at the top level and those in the metadata, each once."""
        inner = self.metadata.get("data_domains", ())
        more = inner if isinstance(inner, Sequence) and not isinstance(inner, str) else ()
        texts = [name for name in more if isinstance(name, str)]
        return tuple(dict.fromkeys([*self.data_domains, *texts]))

    @property
    def effective_liveness(self) -> Liveness:
        """The declared liveness, or else that of its type."""
        by_type = Liveness.UNLEASED if self.type in UNLEASED_TYPES else Liveness.LEASED
        return self.liveness or by_type

    @property
    def effective_trust_policy(self) -> str:
        """The declared trust policy, or else the default."""
        return self.trust_policy or DEFAULT_TRUST_POLICY


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """The claims that `UpdateCapabilities` replaces; ``capacity`` None leaves it as it is."""

    capabilities: Sequence[str] = ()
    data_domains: Sequence[str] = ()
    permissions: Sequence[str] = ()
    capacity: int | None = None


def parse_declaration(raw: Declaration, path: str = "participant") -> Declaration:
    """Check ``raw`` and return it (Algorithm 1, step 1).

    Raises `FieldInvalid` with all violations, each under its field path below ``path``.
    """
    checks = Checks()
    _identity(checks, raw, path)
    _claims(checks, raw, path)
    _places(checks, raw, path)
    _numbers(checks, raw, path)
    _models(checks, raw, path)
    checks.raise_any()
    return raw


def with_claims(declaration: Declaration, claims: Claims) -> Declaration:
    """``declaration`` with other claims; raises `FieldInvalid` with all violations.

    The domains inside the metadata are claims as well, so the old ones are removed there.
    """
    checks = Checks()
    kept = {key: value for key, value in declaration.metadata.items() if key != "data_domains"}
    given = claims.capacity
    changed = replace(
        declaration,
        capabilities=checks.names("capabilities", claims.capabilities),
        data_domains=checks.names("data_domains", claims.data_domains),
        permissions=checks.names("permissions", claims.permissions),
        metadata=kept,
        capacity=_capacity(checks, "capacity", declaration.capacity if given is None else given),
    )
    checks.raise_any()
    return changed


def _identity(checks: Checks, raw: Declaration, path: str) -> None:
    checks.identifier(f"{path}.id", raw.id)
    checks.name(f"{path}.type", raw.type)
    checks.identifier(f"{path}.owner", raw.owner)
    checks.text(f"{path}.status", raw.status, longest=64)
    if raw.trust_policy:
        checks.identifier(f"{path}.trust_policy", raw.trust_policy)


def _claims(checks: Checks, raw: Declaration, path: str) -> None:
    checks.names(f"{path}.capabilities", raw.capabilities)
    checks.names(f"{path}.permissions", raw.permissions)
    checks.names(f"{path}.data_domains", raw.data_domains)
    checks.names(f"{path}.task_types", raw.task_types)
    checks.document(f"{path}.metadata", raw.metadata)
    _inner_domains(checks, raw, f"{path}.metadata.data_domains")


def _inner_domains(checks: Checks, raw: Declaration, path: str) -> None:
    """Check the domains inside the metadata, where the paper's participant declares them."""
    inner: Json = raw.metadata.get("data_domains", [])
    items = list(inner) if isinstance(inner, list | tuple) else [None]
    names = [name for name in items if isinstance(name, str)]
    if len(names) < len(items):
        checks.refuse(path, "has to be a list of names")
        return
    checks.names(path, names)
    if len(raw.claimed_domains) > MOST_NAMES:
        checks.refuse(path, f"makes more than {MOST_NAMES} with those at the top")


def _places(checks: Checks, raw: Declaration, path: str) -> None:
    checks.address(f"{path}.state_location", raw.state_location, STATE_SCHEMES)
    checks.address(f"{path}.endpoint", raw.endpoint, ENDPOINT_SCHEMES)


def _numbers(checks: Checks, raw: Declaration, path: str) -> None:
    _capacity(checks, f"{path}.capacity", raw.capacity)
    if raw.trust_score is not None:
        checks.number(f"{path}.trust_score", raw.trust_score, low=0, high=1)
    if raw.cost is not None:
        checks.number(f"{path}.cost", raw.cost, low=0, high=MAX_COST)


def _capacity(checks: Checks, path: str, capacity: int) -> int:
    return int(checks.number(path, capacity, low=1, high=MAX_CAPACITY))


def _models(checks: Checks, raw: Declaration, path: str) -> None:
    if len(raw.model_endpoints) > MOST_NAMES:
        checks.refuse(f"{path}.model_endpoints", f"has more than {MOST_NAMES} entries")
        return
    names = [model.name for model in raw.model_endpoints]
    for index, model in enumerate(raw.model_endpoints):
        at = f"{path}.model_endpoints[{index}]"
        checks.text(f"{at}.name", model.name, longest=128)
        if model.name in names[:index]:
            checks.refuse(f"{at}.name", f"names {model.name!a} a second time")
        checks.number(f"{at}.cost", model.cost, low=0, high=MAX_COST)
        if model.latency is not None:
            checks.number(f"{at}.latency", model.latency, low=0, high=MAX_LATENCY_SECONDS)
        if model.data_sensitivity and model.data_sensitivity not in SENSITIVITIES:
            checks.refuse(f"{at}.data_sensitivity", f"is one of {', '.join(SENSITIVITIES)}")


def claims_document(declaration: Declaration) -> dict[str, Json]:
    """The claims as policy and the audit read them, and as they are stored."""
    return {
        "id": declaration.id,
        "type": declaration.type,
        "owner": declaration.owner,
        "status": declaration.status,
        "trust_score": declaration.trust_score,
        "capabilities": list(declaration.capabilities),
        "permissions": list(declaration.permissions),
        "data_domains": list(declaration.data_domains),
        "state_location": declaration.state_location,
        "endpoint": declaration.endpoint,
        "metadata": declaration.metadata,
        "capacity": declaration.capacity,
        "cost": declaration.cost,
        "task_types": list(declaration.task_types),
        "model_endpoints": [_model_document(model) for model in declaration.model_endpoints],
        "liveness": declaration.liveness.value if declaration.liveness else "",
        "trust_policy": declaration.trust_policy,
    }


def declaration_from(document: Mapping[str, Json]) -> Declaration:
    """The declaration of a document that `claims_document` made."""
    kept: dict[str, Json] = dict(document)
    models = kept.pop("model_endpoints")
    liveness = kept.pop("liveness")
    return Declaration(
        **kept,  # type: ignore[arg-type]  # written by claims_document, which mypy cannot follow
        model_endpoints=tuple(ModelEndpoint(**model) for model in models),  # type: ignore[arg-type, union-attr]
        liveness=Liveness(str(liveness)) if liveness else None,
    )


def _model_document(model: ModelEndpoint) -> dict[str, Json]:
    return {
        "name": model.name,
        "cost": model.cost,
        "latency": model.latency,
        "data_sensitivity": model.data_sensitivity,
    }

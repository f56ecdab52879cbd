"""What the schema says of an RPC: its governance, its messages, its required fields."""

from collections.abc import Iterable
from dataclasses import dataclass

from google.api import field_behavior_pb2
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message

from phoenix_dma.v1 import (  # noqa: F401  # importing them registers their descriptors
    approval_pb2,
    assignment_pb2,
    audit_pb2,
    effect_pb2,
    gateway_pb2,
    governance_pb2,
    governed_pb2,
    handoff_pb2,
    identity_pb2,
    registry_pb2,
    session_pb2,
    state_pb2,
)
from phoenix_runtime.core.events import AuditEventType
from phoenix_runtime.core.principal import Role

PACKAGE = "phoenix_dma.v1"
FILES = (
    "registry",
    "session",
    "identity",
    "assignment",
    "effect",
    "handoff",
    "state",
    "governance",
    "approval",
    "audit",
    "gateway",
)


AUTHORITIES = frozenset(
    f"{PACKAGE}.{name}" for name in ("ApprovalService", "GovernanceService", "IdentityService")
)
"""The services of who may say yes, who somebody is, and what policy says."""
EXCLUSIONS = frozenset(
    {AuditEventType.PARTICIPANT_SUSPENDED.value, AuditEventType.PARTICIPANT_REINSTATED.value}
)
"""The events of who is shut out by hand, and let in again."""
REFUSALS = frozenset({AuditEventType.ACCESS_REFUSED.value, AuditEventType.POLICY_DENIED.value})
"""The events of what did not happen."""


@dataclass(frozen=True, slots=True)
class Rpc:
    """One RPC as the schema declares it. ``path`` is ``/phoenix_dma.v1.X/Y``."""

    path: str
    service: str
    method: str
    roles: frozenset[Role]
    policies: tuple[str, ...]
    audit_events: tuple[str, ...]
    client_streaming: bool
    server_streaming: bool
    request: type[Message]
    response: type[Message]
    waits: bool = False
    """True where a call is held open until something happens."""

    @property
    def services_only(self) -> bool:
        """True where nobody but another service may call."""
        return self.roles == {Role.SERVICE}

    @property
    def privileged(self) -> bool:
        """True where people change who may say yes, who somebody is or is shut out, or policy.

        Whoever tries that without the role is audited, not only refused: these calls are what an
        attack goes through. The RPC's own service refuses, and names what the call was about.
        """
        for_people = self.roles - {Role.SERVICE, Role.ENROLLER, Role.ANYBODY}
        changes = set(self.audit_events) - REFUSALS
        of_authority = self.service in AUTHORITIES or not changes.isdisjoint(EXCLUSIONS)
        return of_authority and bool(for_people) and bool(changes)

    @property
    def held_open(self) -> bool:
        """True for a stream, and for a call that waits."""
        return self.client_streaming or self.server_streaming or self.waits

    @property
    def open(self) -> bool:
        """True where no credential is asked for."""
        return Role.ANYBODY in self.roles


def rpcs() -> dict[str, Rpc]:
    """Every RPC of the runtime by its path. Raises LookupError where one is not governed."""
    found = (_rpc(method) for method in _methods())
    return {rpc.path: rpc for rpc in found}


def _methods() -> Iterable[MethodDescriptor]:
    pool = descriptor_pool.Default()
    for name in FILES:
        file = pool.FindFileByName(f"phoenix_dma/v1/{name}.proto")
        for service in file.services_by_name.values():
            yield from service.methods


def _rpc(method: MethodDescriptor) -> Rpc:
    options = method.GetOptions()
    if not options.HasExtension(governed_pb2.governed):
        raise LookupError(f"{method.full_name} carries no governance option")
    governed = options.Extensions[governed_pb2.governed]
    service = method.containing_service.full_name
    return Rpc(
        path=f"/{service}/{method.name}",
        service=service,
        method=method.name,
        roles=frozenset(_role(value) for value in governed.roles),
        policies=tuple(governed.policies),
        audit_events=tuple(governed.audit_events),
        client_streaming=method.client_streaming,
        server_streaming=method.server_streaming,
        request=message_factory.GetMessageClass(method.input_type),
        response=message_factory.GetMessageClass(method.output_type),
        waits=governed.waits,
    )


def _role(value: "governed_pb2.Role.ValueType") -> Role:
    return Role(governed_pb2.Role.Name(value).removeprefix("ROLE_").lower())


def required(field: FieldDescriptor) -> bool:
    """True where the schema marks ``field`` as REQUIRED."""
    marks = field.GetOptions().Extensions[field_behavior_pb2.field_behavior]
    return field_behavior_pb2.REQUIRED in marks


def longest_report(field: FieldDescriptor) -> int:
    """Characters kept of ``field`` where the schema marks it as a reported text; 0 elsewhere."""
    longest: int = field.GetOptions().Extensions[governed_pb2.reported_text]
    return longest


def fields_of(message: Descriptor) -> tuple[FieldDescriptor, ...]:
    """The fields of a message, in the order of the file."""
    return tuple(message.fields)

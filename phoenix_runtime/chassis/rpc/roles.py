"""Checks a caller's roles, and audits who tries a privileged call without one."""

from typing import Any, Final

from google.protobuf.message import Message

from phoenix_runtime.chassis.rpc.interceptors.identity import GATEWAY
from phoenix_runtime.chassis.rpc.validation import is_id
from phoenix_runtime.chassis.schema import Rpc, fields_of
from phoenix_runtime.core.errors import role_missing
from phoenix_runtime.core.ports import Attempt
from phoenix_runtime.core.principal import Call, Role

NAMES: Final = frozenset({"identity", "capability", "overlay_revision"})
"""Fields that say what a call is about, beside those that hold an id."""
LONGEST: Final = 128


def require_role(rpc: Rpc, call: Call) -> None:
    """Raise `NotPermitted` unless ``call`` may use ``rpc``: by a role, or as another service."""
    if Role.ENROLLER in rpc.roles:
        return  # an enrolment credential was verified as such: it opens this and nothing else
    as_service = Role.SERVICE in rpc.roles and call.service not in {"", GATEWAY}
    if not as_service and rpc.roles.isdisjoint(call.principal.roles - {Role.SERVICE}):
        raise role_missing(rpc.method, allowed=rpc.roles, held=call.principal.roles)


def attempt_of(rpc: Rpc, call: Call, request: Message) -> Attempt:
    """The RPC, and whom or what the request names."""
    descriptor: Any = request.DESCRIPTOR
    named = {
        field.name: str(getattr(request, field.name))[:LONGEST]
        for field in fields_of(descriptor)
        if (field.name in NAMES or is_id(field.name)) and getattr(request, field.name)
    }
    return Attempt(call, rpc.method, named)

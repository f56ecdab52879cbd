"""What a case is: a request that has to be refused, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import Message

Headers = Mapping[str, str]
NO_HEADERS: Headers = {}
OPERATOR = "operator"
AGENT = "agent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """How it is refused. ``field`` is what a violation names, or begins with; status 0: any."""

    reason: str = "FIELD_INVALID"
    status: int = 400
    field: str = ""


@dataclass(frozen=True, slots=True)
class Both:
    """One JSON body, sent to a route of REST, and as the message of its RPC over gRPC."""

    name: str
    path: str
    body: Mapping[str, Any]
    refusal: Refusal
    who: str = OPERATOR

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """A request of REST as it is on the wire. ``content`` None: no body."""

    name: str
    method: str = "POST"
    target: str
    content: bytes | None = None
    headers: Headers = field(default_factory=lambda: NO_HEADERS)
    refusal: Refusal
    who: str = OPERATOR

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """A message over gRPC, or bytes that are none. ``code`` where it is not INVALID_ARGUMENT.

    ``refusal.reason`` empty: gRPC itself refuses, and has no reasons.
    """

    name: str
    rpc: str
    request: Message | bytes
    metadata: tuple[tuple[str, str], ...] = ()
    code: str = "INVALID_ARGUMENT"
    refusal: Refusal
    who: str = OPERATOR

    def __str__(self) -> str:
        return self.name


def names(field_name: str) -> Refusal:
    """Refused as invalid, by the name of that field."""
    return Refusal(field=field_name)

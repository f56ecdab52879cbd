"""Callers for tests that begin behind the front door."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from phoenix_runtime.core.json import content_hash
from phoenix_runtime.core.principal import Call, Idempotency, Principal, Role


def call_of(
    *roles: str,
    tenant: str = "default",
    subject: str = "",
    participant: str = "",
    service: str = "",
    **principal: Any,
) -> Call:
    """A call by a caller with ``roles``, such as ``call_of("participant", tenant=tenant)``.

    The subject is the participant, else the first role's name; ``principal`` takes the further
    fields of `core.principal.Principal`.
    """
    chosen = frozenset(Role(role) for role in roles) or frozenset({Role.OPERATOR})
    name = subject or participant or min(role.value for role in chosen)
    return Call(
        principal=Principal(
            tenant=tenant, subject=name, roles=chosen, participant=participant, **principal
        ),
        correlation_id="correlation.test",
        service=service,
    )


def repeatable(
    call: Call,
    request_id: str,
    body: Any = None,
    *,
    rpc: str = "/phoenix_dma.v1.Sample/Do",
    encode: Callable[[Any], bytes] = lambda result: str(result).encode(),
) -> Call:
    """``call`` with a request id, as the front api hands it on; ``body`` is what was asked."""
    key = Idempotency(rpc, request_id, content_hash(body), encode)
    return replace(call, request_id=request_id, idempotency=key)

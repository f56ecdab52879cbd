"""Calls to other services with the caller's credential, the service's own, and a deadline."""

import json
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import grpc.aio
from google.protobuf.message import Message
from grpc.aio import AioRpcError
from opentelemetry import context, propagate

from phoenix_dma.wire.sizes import MESSAGE_BYTES
from phoenix_runtime.chassis.rpc.credentials import ServiceSigner
from phoenix_runtime.chassis.rpc.interceptors.identity import (
    CORRELATION,
    SERVICE_CREDENTIAL,
    service_principal,
)
from phoenix_runtime.chassis.rpc.statuses import refusal_of
from phoenix_runtime.chassis.serving import serving
from phoenix_runtime.chassis.settings import PeerSettings
from phoenix_runtime.core.errors import TooLarge, Unavailable
from phoenix_runtime.core.ids import NewId
from phoenix_runtime.core.principal import Call

Answer = TypeVar("Answer", bound=Message)

READS = [
    {"service": "phoenix_dma.v1.RegistryService", "method": "BatchGetStandings"},
    {"service": "phoenix_dma.v1.GovernanceService", "method": "EvaluatePolicies"},
    {"service": "phoenix_dma.v1.GovernanceService", "method": "BatchGetTrust"},
    {"service": "phoenix_dma.v1.ApprovalService", "method": "GetApproval"},
    {"service": "phoenix_dma.v1.AssignmentService", "method": "ResolveContext"},
]
"""What may be sent again without harm; a write is repeated only by whoever knows its request id."""

OPTIONS: list[tuple[str, Any]] = [
    # A silent partition is seen in three and a half seconds.
    ("grpc.keepalive_time_ms", 1_500),
    ("grpc.keepalive_timeout_ms", 2_000),
    # Where gRPC's own ping (it measures the bandwidth after each answer) is under way already, that
    # ping's timeout counts instead of the keepalive's: a minute, in which every call hangs.
    ("grpc.http2.ping_timeout_ms", 2_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    # This is how long a connection may take to be made: 20 s where not said, in which calls hang.
    ("grpc.min_reconnect_backoff_ms", 1_000),
    # Reconnect within a second to a peer that was away for seconds: it may be the only replica.
    ("grpc.max_reconnect_backoff_ms", 500),
    ("grpc.max_receive_message_length", 4 * MESSAGE_BYTES),
    (
        "grpc.service_config",
        json.dumps(
            {
                "methodConfig": [
                    {
                        "name": READS,
                        "retryPolicy": {
                            "maxAttempts": 3,
                            "initialBackoff": "0.05s",
                            "maxBackoff": "0.5s",
                            "backoffMultiplier": 2,
                            "retryableStatusCodes": ["UNAVAILABLE"],
                        },
                    }
                ]
            }
        ),
    ),
]


class Channels:
    """One channel a peer, opened when first needed."""

    def __init__(self, settings: PeerSettings, signer: ServiceSigner) -> None:
        self._settings = settings
        self._signer = signer
        self._open: dict[str, grpc.aio.Channel] = {}

    def channel(self, service: str) -> grpc.aio.Channel:
        """The channel to ``service``: registry, assignment, state or governance."""
        if service not in self._open:
            address = self._settings.address_of(service)
            self._open[service] = grpc.aio.insecure_channel(address, options=OPTIONS)
        return self._open[service]

    def metadata(self, call: Call) -> tuple[tuple[str, str], ...]:
        """What goes along with a call to a peer."""
        trace: dict[str, str] = {}
        if context.get_current():  # empty where the call is not traced
            propagate.inject(trace)
        return (
            *call.metadata,
            (SERVICE_CREDENTIAL, f"Bearer {self._signer.token(call.tenant)}"),
            (CORRELATION, call.correlation_id),
            *trace.items(),
        )

    def timeout(self, at_least: float = 0.0) -> float:
        """Seconds that a call to a peer may take: what is left of the caller's own deadline.

        At most the setting, or ``at_least`` where that is longer.
        """
        limit = max(self._settings.call_timeout.total_seconds(), at_least)
        deadline = serving.get().deadline
        return limit if deadline is None else min(limit, max(0.001, deadline - time.monotonic()))

    async def ask(
        self,
        call: Call,
        method: Callable[..., Awaitable[Answer]],
        request: Message,
        *,
        at_least: float = 0.0,
    ) -> Answer:
        """Call ``method`` of a peer's stub; ``at_least`` is how long a call that waits may take.

        Raises the refusal that the peer raised, as the same class, or `Unavailable`; `TooLarge`
        for what the peer would not take.
        """
        size = request.ByteSize()
        if size > self._settings.max_message_bytes:
            raise TooLarge("request", size=size, limit=self._settings.max_message_bytes)
        try:
            timeout = self.timeout(at_least)
            return await method(request, metadata=self.metadata(call), timeout=timeout)
        except AioRpcError as error:
            raise refusal_of(error) from error
        except grpc.aio.UsageError as error:  # the channel is being closed: the process is stopping
            raise Unavailable("This service is shutting down") from error

    async def close(self) -> None:
        """Close every channel."""
        for channel in self._open.values():
            await channel.close(None)


def service_call(service: str, tenant: str, new_id: NewId) -> Call:
    """The call of a worker, which has no caller: the service itself, for one tenant at a time."""
    return Call(
        principal=service_principal(service, tenant),
        correlation_id=new_id("audit.corr"),
        service=service,
    )

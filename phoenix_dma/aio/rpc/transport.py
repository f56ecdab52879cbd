"""Calls over one connection: stubs, deadlines, and retries.

Every mutation gets a request id before its first try, so a repetition after a lost answer has no
second effect; reads have none anyway. Every call is therefore repeated while the runtime cannot be
reached, until ``patience`` runs out. Before each repetition the profile is read again: a runtime
that was started anew may listen elsewhere.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol, TypeVar
from uuid import uuid4

import grpc.aio
from google.protobuf.message import Message
from grpc import StatusCode
from grpc.aio import AioRpcError

from phoenix_dma.aio.rpc.backoff import Backoff
from phoenix_dma.aio.rpc.connection import Connection
from phoenix_dma.aio.rpc.errors import error_of, retry_after
from phoenix_dma.aio.rpc.sendable import require_sendable
from phoenix_dma.aio.rpc.stubs import Stubs
from phoenix_dma.errors import CredentialInvalid, PhoenixError, Unavailable
from phoenix_dma.profile import Endpoint
from phoenix_dma.wire.status_details import is_unanswered

ATTEMPT_SECONDS: Final = 10.0
PATIENCE_SECONDS: Final = 30.0

Answer = TypeVar("Answer", bound=Message)
Method = Callable[..., Awaitable[Answer]]


class Credential(Protocol):
    """Supplies bearer tokens."""

    async def token(self) -> str:
        """A valid token; raises `PhoenixError` where none can be issued."""

    async def renewed(self, refused: str) -> str:
        """Another token than ``refused``, which was rejected."""


class Transport:
    """A connection to the gateway (or to any service of the runtime) and its stubs.

    ``locate`` says where the runtime is now; without it the runtime stays where it was.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        patience: float = PATIENCE_SECONDS,
        locate: Callable[[], Endpoint] | None = None,
    ) -> None:
        self.patience = patience
        self._locate = locate
        self.connection = Connection(endpoint, locate)
        self.stubs = Stubs(self.connection)

    def another(self) -> Transport:
        """Another connection to the same runtime, which belongs to the loop of the caller."""
        return Transport(self.connection.endpoint, patience=self.patience, locate=self._locate)

    async def ask(
        self,
        method: Method[Answer],
        request: Message,
        credential: Credential,
        *,
        patience: float | None = None,
    ) -> Answer:
        """Call ``method`` and return its answer; raises the `PhoenixError` of its status.

        What is larger than a message may be is `TooLarge` at once, and is not sent.
        """
        identify(request)
        require_sendable(request)
        token = await credential.token()
        try:
            return await self.ask_as(token, method, request, patience=patience)
        except CredentialInvalid:
            # Renewed in good time, but a runtime that was restarted may have other keys.
            token = await credential.renewed(token)
            return await self.ask_as(token, method, request, patience=patience)

    async def ask_as(
        self,
        token: str,
        method: Method[Answer],
        request: Message,
        *,
        patience: float | None = None,
    ) -> Answer:
        """Call with a bearer token; ``patience`` is in seconds, over all tries.

        Where the last try was cut off by time, it may have been carried out: that is `Unavailable`,
        with what an earlier try was refused for, and never that refusal, which denies it.
        """
        until = time.monotonic() + (self.patience if patience is None else patience)
        backoff = Backoff(0.1, 2.0)
        refusal: PhoenixError | None = None
        while True:
            channel = self.connection.channel
            try:
                return await self._once(token, method, request, until)
            except AioRpcError as error:
                if error.code() is StatusCode.DEADLINE_EXCEEDED:
                    self.connection.replace(channel)
                delay = max(backoff.next(), retry_after(error))
                if not is_unanswered(error) or time.monotonic() + delay >= until:
                    raise _last(error, refusal) from error
                if error.code() is not StatusCode.DEADLINE_EXCEEDED:
                    refusal = error_of(error)
            await asyncio.sleep(delay)
            # It may have come back elsewhere.
            self.connection.look_again()

    async def _once(
        self, token: str, method: Method[Answer], request: Message, until: float
    ) -> Answer:
        left = min(ATTEMPT_SECONDS, max(0.05, until - time.monotonic()))
        try:
            return await method(request, metadata=bearer(token), timeout=left)
        except grpc.aio.UsageError as error:
            raise Unavailable("The client is closed") from error

    async def close(self) -> None:
        """Close the connection; calls under way end as `Unavailable`."""
        await self.connection.close()


def _last(error: AioRpcError, refusal: PhoenixError | None) -> PhoenixError:
    """What the last try ended with; a try that time cut off has no words of its own."""
    if refusal is None or error.code() is not StatusCode.DEADLINE_EXCEEDED:
        return error_of(error)
    return Unavailable(
        f"{refusal.text}; the last try was not answered in time, and may have been carried out"
    )


def identify(request: Message) -> None:
    """Give ``request`` a request id, where its kind has one and none is set."""
    if "request_id" in request.DESCRIPTOR.fields_by_name:
        holder: Any = request
        holder.request_id = holder.request_id or f"request.{uuid4()}"


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    """The metadata that carries a token."""
    return (("authorization", f"Bearer {token}"),)


def is_unreachable(error: PhoenixError) -> bool:
    """True where the same call may succeed later without anybody changing anything."""
    return error.reason in {"UNAVAILABLE", "POLICY_ENGINE_UNAVAILABLE"}

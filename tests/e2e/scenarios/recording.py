"""Records which RPC every request id belonged to; audit events are compared with the schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from google.protobuf.message import Message

from phoenix_dma.aio.rpc.transport import Answer, Method, Transport, bearer
from phoenix_dma.profile import Endpoint
from tests.e2e.scenarios.intervals import ATTEMPT


class Recording:
    """The path of the RPC that each request id was sent with."""

    def __init__(self) -> None:
        self._paths: dict[str, str] = {}

    @property
    def paths(self) -> Mapping[str, str]:
        """``/phoenix_dma.v1.X/Y`` by request id."""
        return self._paths

    def note(self, request_id: str, path: str) -> None:
        """Record one request."""
        self._paths[request_id] = path


class RecordingTransport(Transport):
    """The SDK's transport, which gives every request an id and records it."""

    def __init__(self, endpoint: Endpoint, recording: Recording) -> None:
        super().__init__(endpoint, patience=ATTEMPT)
        self.recording = recording

    async def _once(
        self, token: str, method: Method[Answer], request: Message, until: float
    ) -> Answer:
        del until
        called: Any = method
        request_id = str(getattr(request, "request_id", "")) or f"request.{uuid4()}"
        self.recording.note(request_id, called._method.decode())
        metadata = (*bearer(token), ("x-request-id", request_id))
        return await method(request, metadata=metadata, timeout=ATTEMPT)

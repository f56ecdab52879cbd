"""Every RPC of the contract, called with any credential at each port where a client may call it."""

from __future__ import annotations

from typing import Any

import grpc.aio
from google.protobuf.message import Message
from grpc.aio import AioRpcError

from phoenix_dma.aio.rpc.errors import error_of
from phoenix_dma.v1 import session_pb2
from phoenix_runtime.chassis.schema import Rpc, fields_of, required, rpcs
from tests.e2e.scenarios.intervals import ATTEMPT
from tests.e2e.scenarios.scenario import STEWARD, Scenario
from tests.support.builders.keys import bearer

ALL = sorted(rpcs().values(), key=lambda rpc: rpc.path)
CLOSED = [rpc for rpc in ALL if not rpc.open]
PARTS = {
    "RegistryService": "registry",
    "SessionService": "registry",
    "IdentityService": "registry",
    "AssignmentService": "assignment",
    "EffectService": "assignment",
    "HandoffService": "assignment",
    "StateService": "state",
    "GovernanceService": "governance",
    "ApprovalService": "governance",
    "AuditService": "governance",
    "GatewayService": "gateway",
}


def ports_of(rpc: Rpc) -> list[str]:
    """The ports at which a client may call it: the gateway's, and that of its own service."""
    return sorted({"gateway", PARTS[rpc.service.rsplit(".", 1)[1]]})


def closed(service: str) -> list[Rpc]:
    """The RPCs of a service that ask for a credential."""
    return [rpc for rpc in CLOSED if rpc.service.endswith(f".{service}")]


class RpcCaller:
    """Channels to every part of the runtime, and credentials of a tenant of their own."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self._channels: dict[str, grpc.aio.Channel] = {}

    async def call(self, rpc: Rpc, part: str, token: str, request: Message | None = None) -> str:
        """Call; answers the reason of the refusal, or the text of the answer in brackets."""
        channel = self._channels.get(part)
        if channel is None:
            channel = grpc.aio.insecure_channel(self.scenario.runtime.address(part))
            self._channels[part] = channel
        metadata = bearer(token) if token else ()
        try:
            answer = await _call(channel, rpc, request, metadata)
        except AioRpcError as error:
            return error_of(error).reason
        return f"[{answer}]"

    async def close(self) -> None:
        for channel in self._channels.values():
            await channel.close(None)


async def _call(
    channel: grpc.aio.Channel, rpc: Rpc, request: Message | None, metadata: Any
) -> Message | str:
    written: dict[str, Any] = {
        "request_serializer": rpc.request.SerializeToString,
        "response_deserializer": rpc.response.FromString,
    }
    if not rpc.client_streaming:
        call = channel.unary_unary(rpc.path, **written)
        found: Message = await call(request or filled(rpc), metadata=metadata, timeout=ATTEMPT)
        return found
    opened: Any = channel.stream_stream(rpc.path, **written)
    stream = opened(metadata=metadata, timeout=ATTEMPT)
    if request is not None:
        # Whoever is refused is refused before a word; a word that comes too late for the call is
        # an error of its own to grpc.aio, which hides the refusal.
        await stream.write(request)
    heard = await stream.read()
    stream.cancel()
    return str(heard)


def filled(rpc: Rpc, **known: Any) -> Message:
    """A request with every required field; ``known`` by field name, at any depth."""
    request = rpc.request()
    if isinstance(request, session_pb2.KeepAliveRequest):
        request.attach.participant_id = known.get("participant_id", STEWARD)
        request.attach.generation = 1
        return request
    return _fill(request, known)


def _fill(message: Any, known: dict[str, Any]) -> Message:
    for field in fields_of(message.DESCRIPTOR):
        given = known.get(field.name)
        if given is None and not required(field):
            continue
        if field.message_type is not None:
            _fill_message(message, field, known)
        elif field.is_repeated:
            getattr(message, field.name).append(given or "x")
        else:
            setattr(message, field.name, given or _any_value(field))
    return message  # type: ignore[no-any-return]


def _fill_message(message: Any, field: Any, known: dict[str, Any]) -> None:
    if field.message_type.full_name == "google.protobuf.Struct":
        target = getattr(message, field.name)
        (target.add() if field.is_repeated else target).update({"x": 1})
    elif field.is_repeated:
        _fill(getattr(message, field.name).add(), known)
    else:
        made = getattr(message, field.name)
        made.SetInParent()
        _fill(made, known)


def _any_value(field: Any) -> Any:
    if field.enum_type is not None:
        return field.enum_type.values[-1].number
    return {"string": "x.1", "bool": True}.get(_kind(field), 1)


def _kind(field: Any) -> str:
    return {field.TYPE_STRING: "string", field.TYPE_BOOL: "bool"}.get(field.type, "number")

"""The connection to the runtime: one channel, replaced by another where the runtime has moved.

Stubs are made once and bind their methods to the channel that they are made with. `Connection` is
such a channel: every call of a method goes over the channel of that moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import grpc
import grpc.aio

from phoenix_dma.errors import ProfileError
from phoenix_dma.forks import OwnProcess, require_usable_grpc
from phoenix_dma.log import EventLog
from phoenix_dma.profile import Endpoint, is_loopback
from phoenix_dma.wire.sizes import MESSAGE_BYTES

ANSWER_BYTES: Final = 4 * MESSAGE_BYTES
"""What is taken from a runtime; a bound for this process alone, servers keep to their own."""

CONNECT_MILLISECONDS: Final = 2_000
"""What one try to connect may take: where packets vanish, gRPC would wait for twenty seconds."""
FORMER_SECONDS: Final = 15.0
"""How long calls under way on a former channel may still take; longer than one try of a call."""

log = EventLog(__name__)


class Connection:
    """What stubs are made with, in place of a channel.

    ``locate`` says where the runtime is now, and is asked by `look_again`.
    """

    def __init__(self, endpoint: Endpoint, locate: Callable[[], Endpoint] | None = None) -> None:
        self.endpoint = endpoint
        self._locate = locate
        self._channel = _channel(endpoint)
        self._process = OwnProcess()
        self._former: dict[grpc.aio.Channel, asyncio.Task[None]] = {}

    @property
    def channel(self) -> grpc.aio.Channel:
        """The channel that calls go over now; raises `ForkedProcess` in a forked child."""
        self._process.require("the connection")
        return self._channel

    def look_again(self) -> None:
        """Open another channel where the runtime is elsewhere now; calls under way are left."""
        if self._locate is None:
            return
        try:
            found = self._locate()
        except ProfileError as error:
            log.warning("runtime_not_located", kept=self.endpoint.target, error=error)
            return
        if found != self.endpoint:
            log.info("runtime_moved", target=found.target, before=self.endpoint.target)
            self.endpoint = found
            self.open_another()

    def replace(self, silent: grpc.aio.Channel) -> None:
        """Open another channel, unless that was done since a call on ``silent`` got no answer.

        Nobody says when packets vanish on the way. gRPC itself finds out after 25 seconds.
        """
        if silent is self._channel:
            self.open_another()

    def open_another(self) -> None:
        """Let every later call go over a new channel; calls under way end on the old one."""
        former, self._channel = self._channel, _channel(self.endpoint)
        # A closed channel cancels its calls, which looks like the cancellation of whoever waits.
        closing = asyncio.create_task(former.close(FORMER_SECONDS))
        self._former[former] = closing
        closing.add_done_callback(lambda _: self._former.pop(former, None))

    async def close(self) -> None:
        """Close every channel; calls under way end."""
        former = dict(self._former)
        for closing in former.values():
            closing.cancel()
        await asyncio.gather(*former.values(), return_exceptions=True)
        for channel in (*former, self._channel):
            await channel.close(None)

    def unary_unary(self, method: str, *codec: Any, **options: Any) -> _Method:
        """A method with one request and one answer."""
        return _Method(self, "unary_unary", method, codec, options)

    def unary_stream(self, method: str, *codec: Any, **options: Any) -> _Method:
        """A method that answers with a stream."""
        return _Method(self, "unary_stream", method, codec, options)

    def stream_unary(self, method: str, *codec: Any, **options: Any) -> _Method:
        """A method that takes a stream."""
        return _Method(self, "stream_unary", method, codec, options)

    def stream_stream(self, method: str, *codec: Any, **options: Any) -> _Method:
        """A method of two streams."""
        return _Method(self, "stream_stream", method, codec, options)


class _Method:
    """One method of a stub; made anew for each channel that it is called on."""

    def __init__(
        self,
        connection: Connection,
        kind: str,
        path: str,
        codec: tuple[Any, ...],
        options: dict[str, Any],
    ) -> None:
        self._connection = connection
        self._kind = kind
        self._method = path.encode()  # as in grpc's own
        self._codec = codec
        self._options = options
        self._channel: grpc.aio.Channel | None = None
        self._callable: Callable[..., Any] = _unbound

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        channel = self._connection.channel
        if channel is not self._channel:
            make = getattr(channel, self._kind)
            self._callable = make(self._method.decode(), *self._codec, **self._options)
            self._channel = channel
        return self._callable(*arguments, **options)


def _unbound(*_: Any, **__: Any) -> Any:
    raise RuntimeError("no channel yet")


def _channel(endpoint: Endpoint) -> grpc.aio.Channel:
    require_usable_grpc()
    options: list[tuple[str, Any]] = [
        # Otherwise another channel to the same address shares the connection that is silent.
        ("grpc.use_local_subchannel_pool", 1),
        # The fastest that servers permit: quicker pings are answered with ENHANCE_YOUR_CALM.
        ("grpc.keepalive_time_ms", 20_000),
        ("grpc.keepalive_timeout_ms", 5_000),
        # gRPC waits a minute for its own pings, and where one is under way, keepalive with it.
        ("grpc.http2.ping_timeout_ms", 5_000),
        # On top of the pauses of a session, which come back several times a lease.
        ("grpc.min_reconnect_backoff_ms", CONNECT_MILLISECONDS),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 1_000),
        ("grpc.max_receive_message_length", ANSWER_BYTES),
        ("grpc.enable_retries", 0),
    ]
    if is_loopback(endpoint.target.rpartition(":")[0].strip("[]")):
        # A proxy of the environment is for what leaves the machine.
        options.append(("grpc.enable_http_proxy", 0))
    if endpoint.authority:
        options.append(("grpc.ssl_target_name_override", endpoint.authority))
    if endpoint.tls:
        return grpc.aio.secure_channel(endpoint.target, grpc.ssl_channel_credentials(), options)
    return grpc.aio.insecure_channel(endpoint.target, options)

"""The gateway's settings, beside those of every server."""

from datetime import timedelta

from phoenix_runtime.chassis.settings import Duration, ServerSettings


class GatewaySettings(ServerSettings):
    """``PHOENIX_DMA_LISTEN`` is the gRPC port, ``PHOENIX_DMA_REST_LISTEN`` the REST port."""

    rest_listen: str = "127.0.0.1:8080"
    rest_connections: int = 2_000
    """Requests under way at once; more are answered with 503 instead of being queued."""
    stream_patience: Duration = timedelta(seconds=30)
    """How long a reader may leave one message of a stream unread before the stream is cut; longer
    than twice the registry's own limit, since the registry's status says why it cut the stream."""

"""What the gateway is told from outside, beside what every server is told."""

from datetime import timedelta

from phoenix_runtime.chassis.settings import Duration, ServerSettings


class GatewaySettings(ServerSettings):
    """``PHOENIX_DMA_LISTEN`` is the gRPC port, ``PHOENIX_DMA_REST_LISTEN`` the REST port."""

    rest_listen: str = "127.0.0.1:8080"
    rest_connections: int = 2_000
    """Requests under way at once; more are answered with 503 instead of being queued."""
    stream_patience: Duration = timedelta(seconds=30)
    """How long a reader may leave one message of a stream untaken; longer than twice the patience
    of the registry, which says why it cuts."""

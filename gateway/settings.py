"""What the gateway is told from outside, beside what every server is told."""

from phoenix_runtime.chassis.settings import ServerSettings


class GatewaySettings(ServerSettings):
    """``PHOENIX_DMA_LISTEN`` is the gRPC port, ``PHOENIX_DMA_REST_LISTEN`` the REST port."""

    rest_listen: str = "127.0.0.1:8080"
    rest_connections: int = 2_000
    """Requests under way at once; more are answered with 503 instead of being queued."""

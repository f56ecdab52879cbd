"""Settings of every service: ``PHOENIX_DMA_*`` environment variables; secrets are shown as ***."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from phoenix_dma.wire.sizes import MESSAGE_BYTES

MEBIBYTE = 1 << 20


def _seconds(value: Any) -> Any:
    """Read ``"3"`` as seconds: of a text pydantic itself reads ISO 8601 alone."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


Duration = Annotated[timedelta, BeforeValidator(_seconds)]
"""A span of time, given in seconds (``2.5``) or by ISO 8601 (``PT2.5S``)."""


class LogSettings(BaseSettings):
    """How a program logs; can be read before everything else is known to be complete."""

    model_config = SettingsConfigDict(env_prefix="PHOENIX_DMA_", extra="ignore")

    log_level: str = "info"


class KeySettings(LogSettings):
    """Where the keys are; files are read again when they change, so keys rotate without restart."""

    issuer_jwks: Path
    """Public keys of those who issue callers' credentials (a JWKS document)."""
    services_jwks: Path
    """Public keys of the services themselves."""
    service_key: Path
    """The private key (JWK) with which this service proves itself."""
    issuer: str = "phoenix-dma-local"
    """The issuer that callers' credentials have to name."""
    audience: str = "phoenix-dma"
    """The audience that callers' credentials have to name."""


class PeerSettings(KeySettings):
    """Where the other services are."""

    registry_address: str = "127.0.0.1:50051"
    assignment_address: str = "127.0.0.1:50052"
    state_address: str = "127.0.0.1:50053"
    governance_address: str = "127.0.0.1:50054"
    call_timeout: Duration = timedelta(seconds=10)
    """How long a call to a peer may take where its own caller set no deadline."""
    max_message_bytes: int = Field(MESSAGE_BYTES, ge=64 * 1024)
    """The largest message that is sent or taken, the same for every service."""

    def address_of(self, service: str) -> str:
        """The address of ``service``: registry, assignment, state or governance."""
        address: str = getattr(self, f"{service}_address")
        return address


class ServerSettings(PeerSettings):
    """How a gRPC server listens."""

    listen: str = "127.0.0.1:0"
    metrics_listen: str = ""
    """``host:port`` of the Prometheus page; none where empty."""
    max_streams: int = Field(20_000, ge=1)
    """Streams and calls that may wait for admission; more are refused, not cancelled."""
    drain: Duration = timedelta(seconds=0)
    """How long health says NOT_SERVING before the server stops taking calls."""
    grace: Duration = timedelta(seconds=3)
    """How long calls under way may finish."""
    quota_mutations: float = Field(2_000.0, ge=0)
    """Calls of one tenant a second that change something; 0 counts none, here and below."""
    quota_reads: float = Field(5_000.0, ge=0)
    """Plain reads of one tenant a second."""
    quota_searches: float = Field(2_000.0, ge=0)
    """Reads of one tenant a second that ask policy or walk through much: discovery, audit."""
    quota_beats: float = Field(50_000.0, ge=0)
    """Heartbeats of one tenant a second: calls, streams opened, messages on streams."""
    quota_burst: Duration = timedelta(seconds=5)
    """How many seconds' worth may come at once."""
    quota_calls: int = Field(256, ge=1)
    """Calls of one tenant under way at once while no other tenant asks."""
    quota_shared_calls: int = Field(6, ge=1)
    """The same beside other tenants: fewer than a service has connections to its database."""
    quota_streams: int = Field(20_000, ge=1)
    """Streams of one tenant that are open at once."""
    debug: bool = False
    """True for a test deployment: permits failpoints, a wall clock moved on purpose, and leases
    that are ended before their time."""
    failpoints: str = ""
    """Where the process dies on purpose (`chassis.failpoints`); refused unless ``debug``."""


class ServiceSettings(ServerSettings):
    """A service with a database of its own."""

    database_url: SecretStr
    """PostgreSQL, as the application role: row-level security holds for it."""
    worker_database_url: SecretStr
    """PostgreSQL, as the worker role: sees claim and outbox columns of every tenant."""
    migration_database_url: SecretStr | None = None
    """PostgreSQL, as the owner role; where given, the service migrates its schema at start."""
    redis_url: SecretStr = SecretStr("redis://127.0.0.1:6379/0")
    database_pool: int = Field(10, ge=2)
    """Connections of the application role at most."""
    database_checkout: Duration = timedelta(seconds=5)
    """How long a call waits for a free connection."""
    database_response: Duration = timedelta(seconds=2.5)
    """How long the server may take to accept a connection, or to open a transaction. Where nothing
    was heard from it for a second, and then for so long, it is silent: whoever waits is refused."""

"""The settings of the state service, beside those of every service."""

from pydantic import Field

from phoenix_runtime.chassis.settings import MEBIBYTE, ServiceSettings


class StateSettings(ServiceSettings):
    """``PHOENIX_DMA_*``; ``PHOENIX_DMA_REFERENCES`` is a JSON object."""

    context_max_bytes: int = Field(MEBIBYTE, ge=1024, le=3 * MEBIBYTE)
    """The largest context by value, in bytes of its canonical form."""
    references: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Prefixes of references a tenant may use, such as ``{"acme": ["s3://contexts/acme/"]}``;
    those under ``*`` hold for every tenant. Without an entry the tenant may use no reference."""

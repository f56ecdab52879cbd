"""What a local runtime consists of, and where it keeps its data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final, Self

from phoenix_runtime.local.data_folder.files import temporary_folder
from phoenix_runtime.local.ports import CUSTOMARY
from phoenix_runtime.local.services import MODULES

NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalRuntimeOptions:
    """What a runtime consists of and where it keeps its data.

    ``ports`` fixes the port of a part (names in `ports.CUSTOMARY`); the others are the customary
    ones or, with ``free_ports``, free ones, which the next runtime on the same data has again
    unless somebody else has them. None is what the last runtime on the same data had; False
    forgets it. ``services`` are started (names in
    `services.MODULES`); ``environment`` is added to theirs, ``postgres_settings`` to those of the
    private server, by their names in ``postgresql.conf``. ``profile`` is where the operator's
    profile is written, by default in the data folder ``data``; ``tenant`` is the profile's.
    """

    data: Path
    profile: Path | None = None
    tenant: str = "default"
    ports: Mapping[str, int] = field(default_factory=dict)
    free_ports: bool | None = None
    postgres_url: str | None = None
    redis_url: str | None = None
    opa_url: str | None = None
    services: tuple[str, ...] = tuple(MODULES)
    environment: Mapping[str, str] = field(default_factory=dict)
    postgres_settings: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def temporary(
        cls,
        *,
        services: tuple[str, ...] = tuple(MODULES),
        environment: Mapping[str, str] = NOTHING,
        postgres_settings: Mapping[str, str] = NOTHING,
    ) -> Self:
        """Return options for a runtime on free ports in a fresh folder; the caller removes it."""
        return cls(
            data=temporary_folder(),
            free_ports=True,
            services=services,
            environment=environment,
            postgres_settings=postgres_settings,
        )

    def parts(self) -> set[str]:
        """Return the names of the parts that need a port: all but those that a URL replaces."""
        parts = set(CUSTOMARY)
        if self.postgres_url:
            parts.remove("postgres")
        if self.redis_url:
            parts.remove("valkey")
        return parts

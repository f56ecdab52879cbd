"""The settings of the registry, beside those of every service."""

from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from phoenix_runtime.chassis.settings import Duration, ServiceSettings
from registry_svc.domain.lease import DEFAULT_TERMS, LeaseTerms
from registry_svc.domain.ranking import RankWeights
from registry_svc.workers.background import WorkerIntervals


class RegistrySettings(ServiceSettings):
    """``PHOENIX_DMA_*``; durations in seconds or ISO 8601."""

    issuer_key: Path
    """The private key (JWK) of the local issuer."""
    lease_ttl: Duration = timedelta(seconds=DEFAULT_TERMS.ttl)
    """How long a lease lasts after the last heartbeat."""
    heartbeat_interval: Duration = timedelta(seconds=DEFAULT_TERMS.interval)
    """The interval at which participants send heartbeats."""
    lease_margin: Duration = timedelta(seconds=DEFAULT_TERMS.margin)
    """How late a deadline may be written behind. Clients are granted that much less, and a longer
    stall of the registry counts against nobody."""
    write_interval: Duration = timedelta(milliseconds=500)
    """The interval at which deadlines are written behind."""
    sweep_interval: Duration = timedelta(milliseconds=50)
    """The interval at which expired leases are looked for."""
    lease_name: str = "phoenix_dma:leases"
    """The prefix of the keys in Redis."""
    lease_shards: int = Field(1, ge=1, le=256)
    reader_patience: Duration = timedelta(seconds=10)
    """How long a reader may leave one message untaken before its stream is closed."""
    redelivery: Duration = timedelta(seconds=5)
    """After which an unacknowledged directive is sent once more."""
    trust_interval: Duration = timedelta(seconds=2)
    """The interval at which discovery reads the trust in whom there is new evidence about."""
    rank_weights: dict[str, float] = Field(default_factory=dict)
    """capability_match, trust, load, latency, cost; they sum to 1."""

    @property
    def terms(self) -> LeaseTerms:
        """The terms of a lease."""
        return LeaseTerms(
            ttl=self.lease_ttl.total_seconds(),
            interval=self.heartbeat_interval.total_seconds(),
            margin=self.lease_margin.total_seconds(),
        )

    @property
    def intervals(self) -> WorkerIntervals:
        """The intervals of the loops; a silence is noticed within a quarter of a heartbeat's."""
        return WorkerIntervals(
            write=self.write_interval.total_seconds(),
            sweep=self.sweep_interval.total_seconds(),
            silence=min(0.5, self.heartbeat_interval.total_seconds() / 4),
            round=min(1.0, self.reader_patience.total_seconds() / 4),
            trust=self.trust_interval.total_seconds(),
        )

    @property
    def weights(self) -> RankWeights:
        """The weights of discovery's ranking."""
        return RankWeights(**self.rank_weights)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        """Refuse at the start what no client could keep."""
        _ = self.terms
        weights = self.weights
        values = [getattr(weights, field.name) for field in fields(weights)]
        if abs(sum(values) - 1.0) > 1e-9 or min(values) < 0:
            raise ValueError("rank_weights sum to 1, and none is negative")
        if self.write_interval >= self.lease_margin:
            raise ValueError("write_interval has to be shorter than lease_margin")
        return self

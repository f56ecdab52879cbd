"""The metrics page of a part of a runtime."""

from __future__ import annotations

from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from tests.support.processes.addresses import free_address
from tests.support.servers.http import http_client

ANY: Final[dict[str, str]] = {}


class MetricsPage:
    """The metrics page of a part that is started with `environment`."""

    def __init__(self) -> None:
        self._listen = free_address()

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which the part serves its metrics."""
        return {"PHOENIX_DMA_METRICS_LISTEN": self._listen}

    async def value(self, name: str, labels: dict[str, str] = ANY) -> float:
        """The sum of all samples of that name with these labels."""
        async with http_client() as client:
            page = await client.get(f"http://{self._listen}/metrics")
        samples = (
            sample
            for family in text_string_to_metric_families(page.text)
            for sample in family.samples
        )
        return sum(
            sample.value
            for sample in samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

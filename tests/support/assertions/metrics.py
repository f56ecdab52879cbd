"""What the metrics of this process have counted, as a scraper would read it."""

from prometheus_client import REGISTRY


def counted(sample: str, **labels: str) -> float:
    """The value of ``sample``, 0 where nothing was counted yet."""
    return REGISTRY.get_sample_value(sample, labels) or 0.0

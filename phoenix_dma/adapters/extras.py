"""Says which extra brings a framework that is not installed."""

from __future__ import annotations

from importlib.util import find_spec


def require_extra(module: str, extra: str) -> None:
    """Raise ImportError, naming the extra to install, unless ``module`` is there."""
    try:
        found = find_spec(module)
    except ModuleNotFoundError:  # not even the package around it
        found = None
    if found is None:
        raise ImportError(
            f'{module} is not installed: pip install "phoenix-dma[{extra}]"', name=module
        )

"""Answers the catalogue of the active policy."""

from collections.abc import Callable

from governance_svc.domain.policy.bundle import PolicyBundle
from phoenix_runtime.core.principal import Call


class GetCatalogue:
    """Answers the active bundle with its types, capabilities, domains and permissions."""

    def __init__(self, bundle: Callable[[], PolicyBundle]) -> None:
        self._bundle = bundle

    async def __call__(self, _: Call) -> PolicyBundle:
        """The bundle whose catalogue is active."""
        return self._bundle()

"""The catalogue of the active policy."""

from collections.abc import Callable

from governance_svc.domain.policy.bundle import PolicyBundle
from phoenix_runtime.core.principal import Call


class GetCatalogue:
    """What is known: types, capabilities, domains, permissions, constraints."""

    def __init__(self, bundle: Callable[[], PolicyBundle]) -> None:
        self._bundle = bundle

    async def __call__(self, _: Call) -> PolicyBundle:
        """The bundle whose catalogue is in force."""
        return self._bundle()

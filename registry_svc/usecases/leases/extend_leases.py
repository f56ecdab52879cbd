"""ExtendLeases: extends the leases of participants whose gateway hangs."""

from registry_svc.domain.gateway_links import GatewayLinks
from registry_svc.usecases.context import RegistryContext


class ExtendLeases:
    """Extends the leases behind silent gateways (see `domain.gateway_links`)."""

    def __init__(self, context: RegistryContext, gateway_links: GatewayLinks) -> None:
        self._context = context
        self._gateway_links = gateway_links

    def __call__(self) -> None:
        """Extend them; they are written with the next deadlines."""
        now = self._context.clock.monotonic()
        for session in self._gateway_links.behind_silent_gateways(now):
            self._context.sessions.extend(session, now)

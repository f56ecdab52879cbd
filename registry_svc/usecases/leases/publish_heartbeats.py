"""PublishHeartbeats: publishes HEARTBEAT on the bus, coalesced; a heartbeat is no audit event."""

from collections.abc import Sequence
from typing import Final

from registry_svc.domain.ports import EventPublisher, HeartbeatNotice
from registry_svc.domain.session import Session
from registry_svc.usecases.context import RegistryContext, chunks

PUBLISH_SECONDS: Final = 10.0
"""At most one HEARTBEAT event a participant in so many seconds."""


class PublishHeartbeats:
    """Publishes the health of sessions of which nothing was published for a while."""

    def __init__(self, context: RegistryContext, publisher: EventPublisher) -> None:
        self._context = context
        self._publisher = publisher

    async def __call__(self, renewed: Sequence[Session]) -> None:
        """Publish what is due of the ``renewed`` sessions. Raises `Unavailable`."""
        now = self._context.clock.monotonic()
        beaten = [one for one in renewed if one.last_beat is not None]
        due = [one for one in beaten if now - one.published_at >= PUBLISH_SECONDS]
        for chunk in chunks(due):
            notices = [
                HeartbeatNotice(one.key.tenant, one.key.participant_id, one.health(None))
                for one in chunk
            ]
            await self._publisher.heartbeats(notices)
            for one in chunk:
                one.published_at = now

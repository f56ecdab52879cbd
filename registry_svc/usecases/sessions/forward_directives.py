"""ForwardDirectives: lets other replicas deliver directives to participants on their streams."""

from registry_svc.domain.ports import EventPublisher
from registry_svc.usecases.context import chunks
from registry_svc.usecases.sessions.directive_queue import DirectiveQueue


class ForwardDirectives:
    """Publishes the participants without a stream here for which directives wait."""

    def __init__(self, queue: DirectiveQueue, publisher: EventPublisher) -> None:
        self._queue = queue
        self._publisher = publisher

    async def __call__(self) -> None:
        """Publish. Raises `Unavailable`, having forgotten nothing.

        An event that is lost only costs time: the other replicas' rounds find the directives.
        """
        forwarded = self._queue.take_forwarded()
        try:
            for chunk in chunks(forwarded):
                await self._publisher.directives_waiting(chunk)
        except BaseException:
            self._queue.forward(forwarded)
            raise

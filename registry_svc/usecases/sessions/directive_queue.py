"""The queue of the directive workers: participants to deliver to, and acknowledgements."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from phoenix_runtime.core.waiting.wakeup import WakeUp
from registry_svc.domain.ports import Acknowledgement
from registry_svc.domain.session import ParticipantKey, Session
from registry_svc.usecases.context import require_identifiers


class DirectiveQueue:
    """Notes work for the directive workers. Memory only: the rows are the truth."""

    def __init__(self, work: WakeUp) -> None:
        self._work = work
        self._wanted: set[ParticipantKey] = set()
        self._elsewhere: set[ParticipantKey] = set()
        self._acknowledged: list[tuple[ParticipantKey, Acknowledgement]] = []
        self._waiting: defaultdict[ParticipantKey, set[asyncio.Event]] = defaultdict(set)

    def want(self, keys: Iterable[ParticipantKey]) -> None:
        """Note that directives may wait for these participants."""
        wanted = set(keys)
        self._wanted |= wanted
        self.wake(wanted)
        self._work.notify()

    def take_wanted(self) -> set[ParticipantKey]:
        """Take the participants for whom directives may wait."""
        taken, self._wanted = self._wanted, set()
        return taken

    def forward(self, keys: Iterable[ParticipantKey]) -> None:
        """Note that directives wait for participants without a stream on this replica."""
        forwarded = set(keys)
        self._elsewhere |= forwarded
        self.wake(forwarded)
        self._work.notify()

    def wake(self, keys: Iterable[ParticipantKey]) -> None:
        """Wake the calls that wait for directives of these participants."""
        for key in keys:
            for arrived in self._waiting.get(key, ()):
                arrived.set()

    @contextmanager
    def waiting(self, key: ParticipantKey) -> Iterator[asyncio.Event]:
        """The event that is set whenever directives may wait for the participant."""
        arrived = asyncio.Event()
        self._waiting[key].add(arrived)
        try:
            yield arrived
        finally:
            self._waiting[key].discard(arrived)
            if not self._waiting[key]:
                del self._waiting[key]

    def take_forwarded(self) -> set[ParticipantKey]:
        """Take the participants to forward; the caller returns those that it could not publish."""
        taken, self._elsewhere = self._elsewhere, set()
        return taken

    def acknowledge(self, session: Session, directive_id: str, error: str) -> None:
        """Note that a participant took a directive, or refuses it with an ``error``.

        Raises `FieldInvalid` for what can be no id.
        """
        require_identifiers("directive_id", directive_id)
        ack = Acknowledgement(session.key.participant_id, directive_id, error)
        self._acknowledged.append((session.key, ack))
        self._work.notify()

    def take_acknowledged(self) -> list[tuple[ParticipantKey, Acknowledgement]]:
        """Take the acknowledgements to commit; the caller returns those that it could not."""
        taken, self._acknowledged = self._acknowledged, []
        return taken

    def return_acknowledged(
        self, acknowledged: list[tuple[ParticipantKey, Acknowledgement]]
    ) -> None:
        """Put acknowledgements back that are still to be committed."""
        self._acknowledged = acknowledged + self._acknowledged

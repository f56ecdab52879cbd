"""The indexes of all tenants in which participants were looked for lately."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from phoenix_runtime.core.waiting.wakeup import WakeUp
from registry_svc.adapters.discovery_index.tenant import InMemoryTenantIndex
from registry_svc.domain.discovery_index import indexed
from registry_svc.domain.health import Health
from registry_svc.domain.participant import Participant
from registry_svc.domain.ranking import RankWeights
from registry_svc.domain.session import ParticipantKey
from registry_svc.domain.session_table import SessionTable


class InMemoryDiscoveryIndex:
    """Implements `domain.discovery_index.DiscoveryIndex`; ``work`` is notified of what to read."""

    def __init__(self, sessions: SessionTable, weights: RankWeights) -> None:
        self.work = WakeUp()
        self._sessions = sessions
        self._weights = weights
        self._indexes: dict[str, InMemoryTenantIndex] = {}
        self._uncertain: defaultdict[str, set[str]] = defaultdict(set)

    def tenants(self) -> Sequence[str]:
        """See the port."""
        return list(self._indexes)

    def get(self, tenant: str) -> InMemoryTenantIndex | None:
        """See the port."""
        return self._indexes.get(tenant)

    def begin(self, tenant: str) -> InMemoryTenantIndex:
        """See the port."""

        def health(participant_id: str) -> Health:
            return self._sessions.health(ParticipantKey(tenant, participant_id))

        self._uncertain.pop(tenant, None)
        self._indexes[tenant] = index = InMemoryTenantIndex(self._weights, health)
        return index

    def drop(self, tenant: str) -> None:
        """See the port."""
        self._indexes.pop(tenant, None)
        self._uncertain.pop(tenant, None)

    def committed(self, tenant: str, participants: Sequence[Participant]) -> None:
        """See the port."""
        index = self._indexes.get(tenant)
        if index is not None:
            index.put(map(indexed, participants))

    def uncertain(self, tenant: str, participant_ids: Iterable[str]) -> None:
        """See the port."""
        if tenant in self._indexes:
            self._uncertain[tenant].update(participant_ids)
            self.work.notify()

    def noticed(self, key: ParticipantKey, version: int) -> None:
        """See the port."""
        index = self._indexes.get(key.tenant)
        if index is not None and index.known_version(key.participant_id) < version:
            self.uncertain(key.tenant, [key.participant_id])

    def take_uncertain(self, tenant: str) -> set[str]:
        """See the port."""
        return self._uncertain.pop(tenant, set())

    def place_moved(self, most: int) -> int:
        """See the port."""
        moved = self._sessions.take_moved(most)
        for key in moved:
            index = self._indexes.get(key.tenant)
            if index is not None:
                index.place(key.participant_id)
        return len(moved)

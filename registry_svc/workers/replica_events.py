"""Translates bus events of other replicas for `ReplicaSync` and for the index of discovery."""

from typing import Any, Final

from phoenix_runtime.chassis.delivery.bus_events import BusEvent
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.event_catalogue import ENTRIES, TrustEvidence
from phoenix_runtime.core.events import AuditEventType
from registry_svc.domain.discovery_index import DiscoveryIndex
from registry_svc.domain.health import Health, HealthState
from registry_svc.domain.participant import aggregate_of
from registry_svc.domain.ports import DIRECTIVES_WAITING, HEARTBEAT
from registry_svc.domain.session import ParticipantKey
from registry_svc.usecases.discovery.follow_trust import FollowTrust
from registry_svc.usecases.sessions.replica_sync import ReplicaSync

REGISTERED: Final = AuditEventType.PARTICIPANT_REGISTERED.value
POLICY_ACTIVATED: Final = AuditEventType.POLICY_ACTIVATED.value
EVIDENCE: Final = frozenset(
    {
        AuditEventType.CERTIFICATION_GRANTED.value,
        AuditEventType.CERTIFICATION_REVOKED.value,
        *(
            one.type.value
            for one in ENTRIES
            if one.evidence is not TrustEvidence.NONE and one.bus is not None
        ),
    }
)
"""The events on the bus that change the trust in the participant whom they name."""


class ReplicaEvents:
    """Hands events of other replicas on; ``replica`` is this one, whose own events are ignored."""

    def __init__(
        self,
        sync: ReplicaSync,
        followed: tuple[DiscoveryIndex, FollowTrust],
        clock: Clock,
        *,
        replica: str,
    ) -> None:
        self._sync = sync
        self._index, self._trust = followed
        self._clock = clock
        self._replica = replica

    def handle(self, bus_event: BusEvent) -> None:
        """Hand one event on; nothing here waits. Raises ValueError or TypeError for a bad one."""
        key = ParticipantKey(bus_event.tenant, bus_event.participant)
        if bus_event.facts.get("replica") == self._replica:
            return
        self._notice_evidence(key, bus_event)
        changed = bus_event.aggregate == aggregate_of(bus_event.participant)
        if changed:
            self._index.noticed(key, bus_event.aggregate_version)
        if bus_event.type == HEARTBEAT:
            self._sync.heartbeat_received(key, self._health(bus_event))
        elif bus_event.type == DIRECTIVES_WAITING:
            self._sync.directives_waiting(key)
        elif bus_event.audit_type == REGISTERED:
            self._sync.registered(key)
        elif changed and bus_event.state:
            self._sync.status_changed(key, bus_event.state)

    def _notice_evidence(self, key: ParticipantKey, bus_event: BusEvent) -> None:
        if bus_event.audit_type == POLICY_ACTIVATED:
            self._trust.all_noticed(bus_event.tenant)
        elif bus_event.participant and bus_event.audit_type in EVIDENCE:
            self._trust.noticed(key)

    def _health(self, bus_event: BusEvent) -> Health:
        ago = (self._clock.now() - bus_event.time).total_seconds()
        return Health(
            last_beat=self._clock.monotonic() - max(0.0, ago),
            load=_number(bus_event.facts.get("load")),
            latency=_number(bus_event.facts.get("latency")),
            state=HealthState(bus_event.state),
        )


def _number(value: Any) -> float | None:
    return None if value is None else float(value)

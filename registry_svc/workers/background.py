"""The background workers of the registry: loops around use cases."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from phoenix_runtime.chassis.loops import Loop
from registry_svc.usecases.discovery.follow_participants import (
    ROUND_SECONDS,
    FollowParticipants,
)
from registry_svc.usecases.discovery.follow_trust import FollowTrust
from registry_svc.usecases.leases.apply_reported_health import ApplyReportedHealth
from registry_svc.usecases.leases.degrade_silent import DegradeSilent
from registry_svc.usecases.leases.end_leases import EndLeases
from registry_svc.usecases.leases.expire_leases import ExpireLeases
from registry_svc.usecases.leases.extend_leases import ExtendLeases
from registry_svc.usecases.leases.publish_heartbeats import PublishHeartbeats
from registry_svc.usecases.leases.summarise_health import SummariseHealth
from registry_svc.usecases.leases.write_deadlines import WriteDeadlines
from registry_svc.usecases.sessions.deliver_directives import DeliverDirectives
from registry_svc.usecases.sessions.forward_directives import ForwardDirectives
from registry_svc.usecases.sessions.replica_sync import ReplicaSync

MINUTE: Final = 60.0
HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerIntervals:
    """How often the loops run, in seconds."""

    write: float
    sweep: float
    silence: float
    round: float
    trust: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerUseCases:
    """The use cases that the loops run."""

    extend: ExtendLeases
    write: WriteDeadlines
    publish: PublishHeartbeats
    expire: ExpireLeases | EndLeases
    apply_health: ApplyReportedHealth
    degrade_silent: DegradeSilent
    summarise: SummariseHealth
    deliver: DeliverDirectives
    forward: ForwardDirectives
    replica_sync: ReplicaSync
    follow: FollowParticipants
    follow_trust: FollowTrust
    close_slow_readers: Callable[[], Awaitable[None]]
    prune_directives: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Workers:
    """The loops; all but ``others`` are woken when there is work."""

    health: Loop
    deliver: Loop
    forward: Loop
    replica_sync: Loop
    index: Loop
    others: tuple[Loop, ...]

    @property
    def loops(self) -> tuple[Loop, ...]:
        """All of them."""
        woken = (self.health, self.deliver, self.forward, self.replica_sync, self.index)
        return (*woken, *self.others)


def make_workers(use_cases: WorkerUseCases, intervals: WorkerIntervals) -> Workers:
    """The loops of a registry, not yet running."""

    async def write_behind() -> None:
        use_cases.extend()
        renewed = await use_cases.write()
        await use_cases.publish(renewed)

    async def sweep() -> timedelta | None:
        rest = await use_cases.expire()
        return None if rest is None else timedelta(seconds=max(rest, intervals.sweep))

    every_round = intervals.round
    return Workers(
        # Heartbeats that come together change states together: many in one transaction.
        health=Loop("registry_health", every_round, use_cases.apply_health, linger=0.02),
        deliver=Loop("registry_directives", every_round, use_cases.deliver, linger=0.002),
        forward=Loop("registry_forwarding", MINUTE, use_cases.forward, linger=0.002),
        replica_sync=Loop(
            "registry_replica_sync", every_round, use_cases.replica_sync, linger=0.02
        ),
        # Changes at other replicas that come together are read together.
        index=Loop("registry_index", ROUND_SECONDS, use_cases.follow, linger=0.005),
        others=(
            Loop("registry_trust", intervals.trust, use_cases.follow_trust),
            Loop("registry_deadlines", intervals.write, write_behind),
            Loop("registry_leases", intervals.sweep, sweep),
            Loop("registry_silence", intervals.silence, use_cases.degrade_silent),
            Loop("registry_slow_readers", every_round, use_cases.close_slow_readers),
            Loop("registry_summaries", MINUTE, use_cases.summarise),
            Loop("registry_pruning", HOUR, use_cases.prune_directives),
        ),
    )

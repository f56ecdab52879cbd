"""What the registry does by itself: loops around use cases, and nothing else."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from phoenix_runtime.chassis.loops import Loop
from registry_svc.usecases.abreast import KeepAbreast, PassOnMail
from registry_svc.usecases.directives import CarryDirectives
from registry_svc.usecases.health import NoticeSilence, SettleHealth, SummariseHealth
from registry_svc.usecases.leases import AnnounceBeats, ExpireLeases, SpareSilenced, WriteDeadlines

MINUTE: Final = 60.0
HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerIntervals:
    """How often, in seconds."""

    write: float = 0.5
    sweep: float = 0.05
    silence: float = 0.5
    round: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerUseCases:
    """The use cases that loops run."""

    spare: SpareSilenced
    write: WriteDeadlines
    announce: AnnounceBeats
    expire: ExpireLeases
    settle: SettleHealth
    silence: NoticeSilence
    summarise: SummariseHealth
    carry: CarryDirectives
    pass_on: PassOnMail
    abreast: KeepAbreast
    cut_slow_readers: Callable[[], Awaitable[None]]
    forget_directives: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Workers:
    """The loops; all but ``others`` are woken when there is work."""

    settle: Loop
    carry: Loop
    pass_on: Loop
    abreast: Loop
    others: tuple[Loop, ...]

    @property
    def loops(self) -> tuple[Loop, ...]:
        """All of them."""
        return (self.settle, self.carry, self.pass_on, self.abreast, *self.others)


def make_workers(duties: WorkerUseCases, pace: WorkerIntervals) -> Workers:
    """The loops of a registry, not yet running."""

    async def write_behind() -> None:
        duties.spare()
        beaten = await duties.write()
        await duties.announce(beaten)

    return Workers(
        # Beats that come together change states together: many in one transaction.
        settle=Loop("registry_health", pace.round, duties.settle, linger=0.02),
        carry=Loop("registry_directives", pace.round, duties.carry, linger=0.002),
        pass_on=Loop("registry_mail", pace.round, duties.pass_on, linger=0.002),
        abreast=Loop("registry_abreast", pace.round, duties.abreast, linger=0.02),
        others=(
            Loop("registry_deadlines", pace.write, write_behind),
            Loop("registry_leases", pace.sweep, duties.expire),
            Loop("registry_silence", pace.silence, duties.silence),
            Loop("registry_readers", pace.round, duties.cut_slow_readers),
            Loop("registry_summaries", MINUTE, duties.summarise),
            Loop("registry_forgetting", HOUR, duties.forget_directives),
        ),
    )

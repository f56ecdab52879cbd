"""The index of discovery: what is committed about every participant, in memory, and who ranks best.

PostgreSQL has the truth. The index follows what this replica commits at once, and what others
commit by their events; what no event brought is found by comparison. It says in which order
participants are looked at; each is read from its row again before anybody is told of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from phoenix_runtime.core.standing import ParticipantStatus
from registry_svc.domain.discovery import Requirement
from registry_svc.domain.participant import Participant
from registry_svc.domain.ranking import KnownTrust, Place, Scale
from registry_svc.domain.session import ParticipantKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexed:
    """What the index knows of one row. A higher ``version`` is a later commit."""

    participant_id: str
    status: ParticipantStatus
    capabilities: frozenset[str]
    data_domains: frozenset[str]
    task_types: Sequence[str]
    cost: float | None
    version: int


@dataclass(frozen=True, slots=True)
class IndexTotals:
    """How many participants are not RETIRED, and the sum of their versions."""

    participants: int
    versions: int


@dataclass(frozen=True, slots=True)
class RowTotals:
    """The totals of the rows, and how many are RETIRED.

    Versions and the number of the RETIRED only grow. An index lacks nothing where all three are
    what they were: without the last, one who joins could hide one who retired.
    """

    present: IndexTotals
    retired: int


def indexed(participant: Participant) -> Indexed:
    """What the index knows of ``participant``."""
    return Indexed(
        participant_id=participant.id,
        status=participant.status,
        capabilities=participant.grants.capabilities,
        data_domains=participant.grants.data_domains,
        task_types=participant.declaration.task_types,
        cost=participant.declaration.cost,
        version=participant.version,
    )


class Ranking(Protocol):
    """Everybody who matched when it was made, best first, taken in parts."""

    @property
    def scale(self) -> Scale:
        """What costs and latencies of all who match are measured by."""
        ...

    @property
    def left(self) -> int:
        """How many have not been taken yet."""
        ...

    def take(self, most: int) -> Sequence[Place]:
        """The best of those who are left; empty where nobody is."""
        ...


class TenantIndex(Protocol):
    """The participants of one tenant who are not RETIRED."""

    @property
    def totals(self) -> IndexTotals:
        """What a comparison with the rows begins with."""
        ...

    @property
    def sparse(self) -> bool:
        """Whether most of what it holds is of participants who are gone: load it anew."""
        ...

    def put(self, rows: Iterable[Indexed]) -> None:
        """Take over rows; one that is older than what is known changes nothing."""
        ...

    def remove(self, participant_ids: Iterable[str]) -> None:
        """Forget participants that have no row."""
        ...

    def version(self, participant_id: str) -> int:
        """The version that is known of a participant; 0 where it is unknown or RETIRED."""
        ...

    def participants(self) -> Sequence[str]:
        """Everybody who is known here."""
        ...

    def untrusted(self) -> Sequence[str]:
        """Those whose trust is not known yet."""
        ...

    def trust(self, known: Mapping[str, KnownTrust]) -> None:
        """Take over what governance says of the trust in participants."""
        ...

    def missing(self, participant_ids: set[str]) -> set[str]:
        """Who is known here and not among ``participant_ids``."""
        ...

    def ranked(self, requirement: Requirement, after: Place | None) -> Ranking:
        """Everybody who matches and stands after ``after``, best first."""
        ...

    def near_misses(self, requirement: Requirement, most: int) -> Sequence[str]:
        """Participants that have one of the capabilities at least and yet do not match."""
        ...


class ParticipantChanges(Protocol):
    """Is told of what a unit of this replica wrote."""

    def committed(self, tenant: str, participants: Sequence[Participant]) -> None:
        """Take over what is committed now."""
        ...

    def uncertain(self, tenant: str, participant_ids: Iterable[str]) -> None:
        """Note whose rows have to be read: nobody knows whether they were written."""
        ...


class DiscoveryIndex(ParticipantChanges, Protocol):
    """The indexes of the tenants in which participants are looked for."""

    def tenants(self) -> Sequence[str]:
        """The tenants that have an index."""
        ...

    def get(self, tenant: str) -> TenantIndex | None:
        """The index of a tenant, where there is one."""
        ...

    def begin(self, tenant: str) -> TenantIndex:
        """An empty index of a tenant, which follows commits from now on."""
        ...

    def drop(self, tenant: str) -> None:
        """Forget the index of a tenant."""
        ...

    def noticed(self, key: ParticipantKey, version: int) -> None:
        """Note that some replica committed ``version`` of a participant."""
        ...

    def take_uncertain(self, tenant: str) -> set[str]:
        """Take the participants whose rows have to be read; the caller notes those it could not."""
        ...

    def place_moved(self, most: int) -> int:
        """Place at most so many anew whose load, latency or stream changed.

        Answers how many it were.
        """
        ...

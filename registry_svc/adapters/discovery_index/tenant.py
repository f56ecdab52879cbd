"""The index of one tenant: named sets of row numbers, and columns of what ranks the rows."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Final

import numpy as np
from pyroaring import BitMap

from phoenix_runtime.core.standing import ParticipantStatus
from registry_svc.adapters.discovery_index.bonuses import Bonuses
from registry_svc.adapters.discovery_index.columns import UNKNOWN_LATENCY, Columns
from registry_svc.adapters.discovery_index.labels import Labels
from registry_svc.adapters.discovery_index.named_sets import NamedSet, NamedSets
from registry_svc.adapters.discovery_index.ranking import (
    SUSPECT,
    After,
    ColumnRanking,
    Order,
    Show,
)
from registry_svc.domain.discovery import Requirement
from registry_svc.domain.discovery_index import Indexed, IndexTotals
from registry_svc.domain.health import UNKNOWN_HEALTH, Health
from registry_svc.domain.lifecycle import RETIRED
from registry_svc.domain.ranking import (
    UNKNOWN_TRUST,
    KnownTrust,
    Matching,
    Place,
    RankWeights,
    Scale,
    merit,
    places,
)

ORDERS: Final = 8
"""Requirements whose order is kept."""
FEW: Final = 1024
"""Rows that are kept although they are of nobody any more."""


class Row:
    """What is known of one participant, and the sets in which its number is."""

    __slots__ = (
        "cost",
        "health",
        "number",
        "participant_id",
        "sets",
        "status",
        "trust",
        "version",
        "written",
    )

    def __init__(self, participant_id: str, number: int) -> None:
        self.participant_id = participant_id
        self.number = number
        self.version = 0
        self.status = ParticipantStatus.REGISTERED
        self.cost: float | None = None
        self.health = UNKNOWN_HEALTH
        self.trust = UNKNOWN_TRUST
        self.sets: tuple[NamedSet, ...] = ()
        self.written: tuple[float, float, float, bool] | None = None
        """What stands in the columns."""


class InMemoryTenantIndex:
    """Implements `domain.discovery_index.TenantIndex`; ``health`` answers what heartbeats said.

    A row's number is never given to another participant: a ranking that is taken in parts would
    show the one for the other.
    """

    def __init__(self, weights: RankWeights, health: Callable[[str], Health]) -> None:
        self._weights = weights
        self._health = health
        self._rows: dict[str, Row] = {}
        self._numbered: list[Row | None] = []
        self._retired: dict[str, int] = {}
        self._versions = 0
        self._sets = NamedSets()
        self._columns = Columns()
        self._bonuses = Bonuses(weights)
        self._untrusted: dict[str, None] = {}
        self._labels = Labels(self._relabel)
        self._orders: OrderedDict[Requirement, Order] = OrderedDict()
        """Orders as long as nothing changes: the same is looked for again and again."""

    @property
    def totals(self) -> IndexTotals:
        """See the port."""
        return IndexTotals(len(self._rows), self._versions)

    @property
    def sparse(self) -> bool:
        """See the port."""
        return len(self._numbered) > 2 * len(self._rows) + FEW

    def put(self, rows: Iterable[Indexed]) -> None:
        """See the port."""
        for row in rows:
            if row.version > self.known_version(row.participant_id):
                self._put(row)

    def remove(self, participant_ids: Iterable[str]) -> None:
        """See the port."""
        for participant_id in participant_ids:
            row = self._rows.pop(participant_id, None)
            if row is not None:
                self._sets.discard(row.number, row.sets)
                self._labels.remove(participant_id)
                self._numbered[row.number] = None
                self._bonuses.discard(row.number)
                self._untrusted.pop(participant_id, None)
                self._versions -= row.version
                self._orders.clear()

    def version(self, participant_id: str) -> int:
        """See the port."""
        row = self._rows.get(participant_id)
        return 0 if row is None else row.version

    def known_version(self, participant_id: str) -> int:
        """As `version`, also of who is RETIRED: an older row that is read late revives nobody."""
        return self.version(participant_id) or self._retired.get(participant_id, 0)

    def participants(self) -> Sequence[str]:
        """See the port."""
        return list(self._rows)

    def untrusted(self) -> Sequence[str]:
        """See the port."""
        return list(self._untrusted)

    def trust(self, known: Mapping[str, KnownTrust]) -> None:
        """See the port."""
        for participant_id, trust in known.items():
            row = self._rows.get(participant_id)
            if row is None:
                continue
            self._untrusted.pop(participant_id, None)
            if row.trust != trust:
                row.trust = trust
                self._bonuses.put(row.number, trust)
                self._orders.clear()
                self._write(row)

    def missing(self, participant_ids: set[str]) -> set[str]:
        """See the port."""
        return self._rows.keys() - participant_ids

    def place(self, participant_id: str) -> None:
        """Write what heartbeats and decisions say of a participant by now."""
        row = self._rows.get(participant_id)
        if row is not None:
            row.health = self._health(participant_id)
            self._write(row)

    def ranked(self, requirement: Requirement, after: Place | None) -> ColumnRanking:
        """See the port."""
        if after is not None:
            behind = self._order(requirement).after(self._after(after))
            return ColumnRanking(behind, self._shown(requirement))
        sought = Requirement(
            required_capabilities=tuple(requirement.required_capabilities),
            data_domains=tuple(requirement.data_domains),
            policy_constraints=tuple(requirement.policy_constraints),
            task_type=requirement.task_type,
            exclude=tuple(requirement.exclude),
        )
        order = self._orders.get(sought)
        if order is None:
            order = self._orders[sought] = self._order(requirement)
            if len(self._orders) > ORDERS:
                self._orders.popitem(last=False)
        return ColumnRanking(order, self._shown(sought))

    def near_misses(self, requirement: Requirement, most: int) -> Sequence[str]:
        """See the port."""
        near = self._sets.near(requirement) - self._sets.matching(requirement)
        near -= self._numbers_of(requirement.exclude)
        rows = (self._numbered[number] for number in islice(near, most))
        return [row.participant_id for row in rows if row is not None]

    def _put(self, new: Indexed) -> None:
        if new.status is RETIRED:
            self.remove([new.participant_id])
            self._retired[new.participant_id] = new.version
            return
        row = self._rows.get(new.participant_id)
        if row is None:
            row = self._added(new.participant_id)
        self._sets.discard(row.number, row.sets)
        row.sets = self._sets.add(row.number, new)
        self._versions += new.version - row.version
        row.version, row.status, row.cost = new.version, new.status, new.cost
        self._orders.clear()
        self._write(row)

    def _added(self, participant_id: str) -> Row:
        row = Row(participant_id, len(self._numbered))
        self._untrusted[participant_id] = None
        row.health = self._health(participant_id)
        self._rows[participant_id] = row
        self._numbered.append(row)
        self._columns.make_room(row.number)
        self._columns.label[row.number] = self._labels.add(participant_id)
        return row

    def _write(self, row: Row) -> None:
        health = row.health
        latency = UNKNOWN_LATENCY if health.latency is None else health.latency
        value = merit(row.status, health, row.trust, self._weights)
        written = value, latency, row.cost or 0.0, health.suspect
        if row.written != written:
            row.written = written
            self._columns.write(row.number, *written)
            self._orders.clear()

    def _order(self, requirement: Requirement) -> Order:
        found = self._sets.matching(requirement) - self._numbers_of(requirement.exclude)
        numbers = np.asarray(found.to_array(), dtype=np.int64)
        bonuses = self._bonuses.of(numbers, requirement.required_capabilities)
        return Order(numbers, self._columns, bonuses, self._weights)

    def _relabel(self, participant_id: str, label: int) -> None:
        self._columns.label[self._rows[participant_id].number] = label

    def _numbers_of(self, participant_ids: Iterable[str]) -> BitMap:
        rows = (self._rows.get(one) for one in participant_ids)
        return BitMap(row.number for row in rows if row is not None)

    def _after(self, place: Place) -> After:
        key = place.lacking + (SUSPECT if place.suspect else 0)
        return After(key, self._labels.up_to(place.participant_id))

    def _shown(self, requirement: Requirement) -> Show:
        required = requirement.required_capabilities

        def show(numbers: Sequence[int], scale: Scale) -> list[Place]:
            rows = (self._numbered[number] for number in numbers)
            known = [(_matching(row), row.health) for row in rows if row is not None]
            return places(known, required, self._weights, scale)

        return show


def _matching(row: Row) -> Matching:
    return Matching(row.participant_id, row.status, row.cost, row.trust)

"""The index of discovery against the definition: match by match, place by place, one by one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from phoenix_runtime.core.standing import ParticipantStatus
from registry_svc.adapters.discovery_index.tenant import InMemoryTenantIndex
from registry_svc.domain.discovery import DEGRADED_ALLOWED, Requirement
from registry_svc.domain.discovery_index import Indexed, IndexTotals
from registry_svc.domain.health import UNKNOWN_HEALTH, Health
from registry_svc.domain.ranking import (
    UNKNOWN_TRUST,
    CapabilityTrust,
    KnownTrust,
    Matching,
    Place,
    RankWeights,
    Scale,
    places,
    scale_of,
)

WEIGHTS = RankWeights()
IDS = [f"agent.{number}" for number in range(12)]
RETIRED = ParticipantStatus.RETIRED

names = st.frozensets(st.sampled_from(["a", "b", "c"]))
# Few values, so that many are equal and ids decide; and any, so that every digit counts.
loads = st.sampled_from([0.0, 0.25, 1.0]) | st.floats(min_value=0.0, max_value=1.0)
seconds = st.sampled_from([0.0, 0.5, 2.0]) | st.floats(min_value=0.0, max_value=100.0)
prices = st.sampled_from([0.0, 1.0, 5.0]) | st.floats(min_value=0.0, max_value=1e6)
healths = st.builds(
    Health,
    load=st.none() | loads,
    latency=st.none() | seconds,
    suspect=st.booleans(),
)
trusts = st.builds(
    KnownTrust,
    loads,
    st.dictionaries(
        st.sampled_from(["a", "b", "c"]), st.builds(CapabilityTrust, loads, st.booleans())
    ),
)
rows = st.builds(
    Indexed,
    participant_id=st.sampled_from(IDS),
    status=st.sampled_from(ParticipantStatus),
    capabilities=names,
    data_domains=names,
    task_types=st.lists(st.sampled_from(["merge", "review"]), max_size=2).map(tuple),
    cost=st.none() | prices,
    version=st.integers(min_value=1, max_value=6),
)
requirements = st.builds(
    Requirement,
    required_capabilities=st.lists(st.sampled_from(["a", "b", "d"]), max_size=2),
    data_domains=st.lists(st.sampled_from(["a", "b"]), max_size=1),
    task_type=st.sampled_from(["", "merge"]),
    policy_constraints=st.sampled_from([(), (DEGRADED_ALLOWED,)]),
    exclude=st.lists(st.sampled_from([*IDS, "agent.unknown"]), max_size=2),
)


@dataclass
class Oracle:
    """The newest row of everybody, and what is known of their health."""

    rows: dict[str, Indexed] = field(default_factory=dict)
    health: dict[str, Health] = field(default_factory=dict)
    trusts: dict[str, KnownTrust] = field(default_factory=dict)

    def put(self, row: Indexed) -> None:
        known = self.rows.get(row.participant_id)
        if known is None or row.version > known.version:
            self.rows[row.participant_id] = row

    def present(self) -> list[Indexed]:
        return [row for row in self.rows.values() if row.status is not RETIRED]

    def matches(self, row: Indexed, need: Requirement) -> bool:
        return (
            row.status in need.statuses
            and row.capabilities.issuperset(need.required_capabilities)
            and row.data_domains.issuperset(need.data_domains)
            and (not need.task_type or not row.task_types or need.task_type in row.task_types)
        )

    def places(self, need: Requirement) -> tuple[list[Place], Scale]:
        known = [
            (
                Matching(row.participant_id, row.status, row.cost, self.trust(row.participant_id)),
                self.known(row.participant_id),
            )
            for row in self.present()
            if self.matches(row, need) and row.participant_id not in need.exclude
        ]
        scale = scale_of((one.cost for one, _ in known), (health.latency for _, health in known))
        return sorted(places(known, need.required_capabilities, WEIGHTS, scale)), scale

    def near(self, need: Requirement) -> set[str]:
        wanted = set(need.required_capabilities)
        return {
            row.participant_id
            for row in self.present()
            if not self.matches(row, need)
            and row.participant_id not in need.exclude
            and (not wanted or row.capabilities & wanted)
        }

    def known(self, participant_id: str) -> Health:
        return self.health.get(participant_id, UNKNOWN_HEALTH)

    def trust(self, participant_id: str) -> KnownTrust:
        return self.trusts.get(participant_id, UNKNOWN_TRUST)

    def totals(self) -> IndexTotals:
        present = self.present()
        return IndexTotals(len(present), sum(row.version for row in present))


def opened() -> tuple[InMemoryTenantIndex, Oracle]:
    oracle = Oracle()
    return InMemoryTenantIndex(WEIGHTS, oracle.known), oracle


def taken(
    index: InMemoryTenantIndex, need: Requirement, after: Place | None, parts: Sequence[int]
) -> list[Place]:
    ranking = index.ranked(need, after)
    found: list[Place] = []
    for most in parts:
        found += ranking.take(most)
    while ranking.left:
        found += ranking.take(5)
    return found


@given(
    st.lists(rows, max_size=30),
    st.dictionaries(st.sampled_from(IDS), st.tuples(healths, trusts)),
    requirements,
    st.lists(st.integers(min_value=1, max_value=6), max_size=3),
)
def test_everybody_who_matches_is_ranked_as_if_one_by_one(
    commits: list[Indexed],
    known: Mapping[str, tuple[Health, KnownTrust]],
    need: Requirement,
    parts: list[int],
) -> None:
    index, oracle = opened()
    oracle.health.update({name: health for name, (health, _) in known.items()})
    index.put(commits)
    for name, (_, trust) in known.items():
        learn(index, oracle, name, trust)
    for row in commits:
        oracle.put(row)
    placed, scale = oracle.places(need)
    assert index.ranked(need, None).scale == scale
    assert taken(index, need, None, parts) == placed
    for number, place in enumerate(placed):
        assert taken(index, need, place, parts) == placed[number + 1 :]


@given(
    st.lists(
        st.tuples(st.just("commit"), rows)
        | st.tuples(st.just("health"), st.tuples(st.sampled_from(IDS), healths))
        | st.tuples(st.just("trust"), st.tuples(st.sampled_from(IDS), trusts))
        | st.tuples(st.just("replay"), st.integers(min_value=0, max_value=50))
        | st.tuples(st.just("lost"), rows)
        | st.tuples(st.just("repair"), st.none())
        | st.tuples(st.just("rebuild"), st.none()),
        max_size=40,
    ),
    requirements,
)
def test_the_index_equals_its_rows_after_any_history(
    history: list[tuple[str, object]], need: Requirement
) -> None:
    index, oracle = opened()
    commits: dict[tuple[str, int], Indexed] = {}
    for kind, what in history:
        index.ranked(need, None).take(2)  # what it remembers of this has to be forgotten in time
        if isinstance(what, Indexed):
            # One version is one commit, whatever else was drawn for it.
            row = commits.setdefault((what.participant_id, what.version), what)
            oracle.put(row)
            if kind == "commit":
                index.put([row])
        elif isinstance(what, tuple):
            said(index, oracle, *what)
        elif isinstance(what, int) and commits:
            index.put([list(commits.values())[what % len(commits)]])
        elif kind == "repair":
            repair(index, oracle)
        elif kind == "rebuild":
            index = InMemoryTenantIndex(WEIGHTS, oracle.known)
            index.put(oracle.rows.values())
            index.trust(oracle.trusts)
    repair(index, oracle)
    index.trust({name: oracle.trust(name) for name in index.untrusted()})
    assert index.totals == oracle.totals()
    assert taken(index, need, None, [3]) == oracle.places(need)[0]
    assert set(index.near_misses(need, 50)) == oracle.near(need)


def said(
    index: InMemoryTenantIndex, oracle: Oracle, participant_id: str, what: Health | KnownTrust
) -> None:
    """What heartbeats or governance say of a participant."""
    if isinstance(what, KnownTrust):
        learn(index, oracle, participant_id, what)
    else:
        oracle.health[participant_id] = what
        index.place(participant_id)


def learn(
    index: InMemoryTenantIndex, oracle: Oracle, participant_id: str, trust: KnownTrust
) -> None:
    """What governance answers about a participant, whether the index has it or not."""
    oracle.trusts[participant_id] = trust
    index.trust({participant_id: trust})


def repair(index: InMemoryTenantIndex, oracle: Oracle) -> None:
    """What a comparison does: read whose version is newer, and who is not there any more."""
    present = {row.participant_id: row for row in oracle.present()}
    stale = {name for name, row in present.items() if row.version > index.version(name)}
    index.put(oracle.rows[name] for name in stale | index.missing(set(present)))


ABLE = Indexed(
    participant_id="agent.a",
    status=ParticipantStatus.ACTIVE,
    capabilities=frozenset({"a"}),
    data_domains=frozenset(),
    task_types=(),
    cost=None,
    version=1,
)
NEED_A = Requirement(required_capabilities=["a"])


def found(index: InMemoryTenantIndex) -> tuple[list[str], Scale]:
    ranking = index.ranked(NEED_A, None)
    return [place.participant_id for place in ranking.take(5)], ranking.scale


def test_an_order_is_kept_until_what_it_rests_on_changes() -> None:
    index, oracle = opened()
    index.put([ABLE, replace(ABLE, participant_id="agent.b", cost=2.0)])
    assert found(index) == (["agent.a", "agent.b"], Scale(cost=2.0))
    oracle.health["agent.a"] = Health(suspect=True)
    index.place("agent.a")
    assert found(index) == (["agent.b", "agent.a"], Scale(cost=2.0))
    index.put([replace(ABLE, capabilities=frozenset(), version=2)])
    assert found(index) == (["agent.b"], Scale(cost=2.0))
    index.put([replace(ABLE, version=3)])
    assert found(index) == (["agent.b", "agent.a"], Scale(cost=2.0))
    index.remove(["agent.b"])
    assert found(index) == (["agent.a"], Scale())


def test_what_was_taken_late_is_nobody_elses_row() -> None:
    index, _ = opened()
    index.put([ABLE, replace(ABLE, participant_id="agent.b")])
    ranking = index.ranked(NEED_A, None)
    index.put([replace(ABLE, participant_id="agent.b", status=RETIRED, version=2)])
    index.put([replace(ABLE, participant_id="agent.c")])
    assert [place.participant_id for place in ranking.take(5)] == ["agent.a"]


def test_an_index_of_those_who_are_gone_asks_to_be_loaded_anew() -> None:
    index, _ = opened()
    for number in range(1100):
        index.put([replace(ABLE, participant_id=f"agent.{number}")])
    assert not index.sparse
    index.remove([f"agent.{number}" for number in range(1090)])
    assert index.sparse

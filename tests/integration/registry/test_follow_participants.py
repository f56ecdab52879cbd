"""The indexes of two replicas on one PostgreSQL: what keeps them equal to its rows."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from phoenix_runtime.chassis.data import unit
from phoenix_runtime.chassis.failpoints import AFTER_COMMIT
from phoenix_runtime.core.errors import Refused, Unavailable
from phoenix_runtime.core.standing import Liveness
from registry_svc.domain.declaration import Claims, Declaration
from registry_svc.domain.discovery import Requirement
from registry_svc.domain.discovery_index import TenantIndex
from registry_svc.domain.session import ParticipantKey
from registry_svc.usecases.discovery import follow_participants
from registry_svc.usecases.discovery.follow_participants import (
    COMPARE_SECONDS,
    KEPT_SECONDS,
    STALE_SECONDS,
    FollowParticipants,
)
from registry_svc.usecases.participants.begin_retirement import BeginRetirement
from registry_svc.usecases.participants.finish_retirement import FinishRetirement
from registry_svc.usecases.participants.register import RegisterParticipant
from registry_svc.usecases.participants.reinstate import ReinstateParticipant
from registry_svc.usecases.participants.suspend import SuspendParticipant
from registry_svc.usecases.participants.update_capabilities import UpdateCapabilities
from tests.integration.registry.replica import OpenReplica, Replica
from tests.support.builders.calls import call_of

NEEDS = (
    Requirement(required_capabilities=("a",)),
    Requirement(required_capabilities=("a", "b")),
    Requirement(),
)


def found(index: TenantIndex, need: Requirement = NEEDS[0]) -> list[str]:
    """Who matches, best first."""
    ranking = index.ranked(need, None)
    return [place.participant_id for place in ranking.take(1000)]


async def ready(replica: Replica) -> TenantIndex:
    """The index as a search at that replica finds it."""
    return await replica.follow.ready(replica.call("agent.asking"))


async def join(replica: Replica, participant_id: str, *capabilities: str, **more: Any) -> None:
    """Register somebody who is ACTIVE at once."""
    declared = Declaration(
        id=participant_id,
        type="agent",
        owner="acme",
        capabilities=capabilities or ("a",),
        liveness=Liveness.UNLEASED,
        **more,
    )
    await RegisterParticipant(replica.context)(replica.call(participant_id), declared)


async def suspend(replica: Replica, participant_id: str) -> None:
    operator = call_of("operator", tenant=replica.tenant)
    await SuspendParticipant(replica.context)(operator, participant_id, "a check")


async def reinstate(replica: Replica, participant_id: str) -> None:
    operator = call_of("operator", tenant=replica.tenant)
    await ReinstateParticipant(replica.context)(operator, participant_id, "it is over")


async def retire(replica: Replica, participant_id: str) -> None:
    call, retirement = call_of("service", tenant=replica.tenant), f"retirement.{participant_id}"
    await BeginRetirement(replica.context)(call, participant_id, retirement, "immediate")
    await FinishRetirement(replica.context)(call, participant_id, retirement, {})


async def claim(replica: Replica, participant_id: str, *capabilities: str) -> None:
    operator = call_of("operator", tenant=replica.tenant)
    claims = Claims(capabilities=capabilities)
    await UpdateCapabilities(replica.context)(operator, participant_id, claims)


async def test_what_this_replica_commits_is_found_at_once(replica: Replica) -> None:
    await join(replica, "agent.a")
    index = await ready(replica)
    assert found(index) == ["agent.a"]
    await join(replica, "agent.b", cost=3.0)
    assert found(index) == ["agent.a", "agent.b"]
    await suspend(replica, "agent.a")
    assert found(index) == ["agent.b"]
    await reinstate(replica, "agent.a")
    await claim(replica, "agent.b", "other")
    assert found(index) == ["agent.a"]
    await retire(replica, "agent.a")
    assert found(index) == []
    assert await ready(replica) is index


async def test_what_another_replica_commits_is_read_when_its_event_comes(
    open_replica: OpenReplica,
) -> None:
    here, there = await open_replica("replica.1"), await open_replica("replica.2")
    index = await ready(there)
    await join(here, "agent.a")
    assert found(index) == []
    there.index.noticed(ParticipantKey(here.tenant, "agent.a"), 1)
    await there.follow()
    assert found(index) == ["agent.a"]
    there.index.noticed(ParticipantKey(here.tenant, "agent.a"), 1)
    assert there.index.take_uncertain(here.tenant) == set()


async def test_a_lost_event_is_found_by_comparison_within_the_bound(
    open_replica: OpenReplica,
) -> None:
    here, there = await open_replica("replica.1"), await open_replica("replica.2")
    await join(here, "agent.a")
    index = await ready(there)
    await join(here, "agent.b")
    await retire(here, "agent.a")
    await there.follow()
    assert found(index) == ["agent.a"]
    there.clock.advance(COMPARE_SECONDS)
    await there.follow()
    assert found(index) == ["agent.b"]
    # Where the loop does not run, whoever asks compares.
    await suspend(here, "agent.b")
    there.clock.advance(STALE_SECONDS)
    assert found(await ready(there)) == []


async def test_nobody_asks_for_what_nobody_uses(replica: Replica) -> None:
    await join(replica, "agent.a")
    index = await ready(replica)
    replica.clock.advance(KEPT_SECONDS + 1)
    await replica.follow()
    assert replica.index.tenants() == []
    again = await ready(replica)
    assert again is not index
    assert found(again) == ["agent.a"]


async def test_a_commit_whose_end_is_unknown_is_read(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    await join(replica, "agent.a")
    index = await ready(replica)

    def lost(point: str, *_: str) -> None:
        if point == AFTER_COMMIT:
            raise Unavailable("The server was lost in the commit")

    with monkeypatch.context() as patched:
        patched.setattr(unit, "passing", lost)
        with pytest.raises(Unavailable):
            await suspend(replica, "agent.a")
    assert found(index) == ["agent.a"]
    await replica.follow()
    assert found(index) == []


async def test_who_comes_while_the_index_is_loaded_is_in_it(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow_participants, "ROWS", 2)
    for number in range(5):
        await join(replica, f"agent.{number}")
    waiting = [asyncio.create_task(ready(replica)) for _ in range(3)]
    await asyncio.gather(join(replica, "agent.0a"), retire(replica, "agent.4"))
    indexes = [await task for task in waiting]
    there = ["agent.0", "agent.0a", "agent.1", "agent.2", "agent.3"]
    assert sorted(found(indexes[0])) == there
    # The trust in who came after that of the others was read is read by the next search.
    assert found(await ready(replica)) == there
    assert indexes[1:] == indexes[:1] * 2


async def test_a_load_goes_on_where_the_caller_gives_up(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow_participants, "ROWS", 1)
    for number in range(5):
        await join(replica, f"agent.{number}")
    waiting = asyncio.create_task(ready(replica))
    while (begun := replica.index.get(replica.tenant)) is None:  # noqa: ASYNC110  # nothing tells us
        await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await ready(replica) is begun
    assert found(begun) == [f"agent.{number}" for number in range(5)]


@pytest.mark.parametrize("seed", range(4))
async def test_both_indexes_equal_the_rows_after_any_history(
    open_replica: OpenReplica, seed: int
) -> None:
    """Commits at both, events that come, come twice or are lost, rebuilds, and comparisons."""
    chance = random.Random(seed)  # noqa: S311  # a history, no secret
    replicas = [await open_replica("replica.1"), await open_replica("replica.2")]
    for replica in replicas:
        await ready(replica)
    for _ in range(40):
        await step(chance, *chance.sample(replicas, 2))
    for replica in replicas:
        replica.clock.advance(STALE_SECONDS)
        index = await ready(replica)
        fresh = FollowParticipants(replica.context, replica.index, replica.follow_trust)
        oracle = await fresh.ready(replica.call("agent.asking"))
        assert index is not oracle
        assert index.totals == oracle.totals
        for need in NEEDS:
            assert found(index, need) == found(oracle, need)
            assert sorted(index.near_misses(need, 50)) == sorted(oracle.near_misses(need, 50))


async def step(chance: random.Random, here: Replica, there: Replica) -> None:
    """One step of a history, committed here."""
    name = f"agent.{chance.randrange(8)}"
    capabilities = chance.sample(["a", "b", "c"], chance.randint(1, 3))
    steps: list[Callable[[], Awaitable[None]]] = [
        lambda: join(here, name, *capabilities, cost=float(chance.randrange(4))),
        lambda: claim(here, name, *capabilities),
        lambda: suspend(here, name),
        lambda: reinstate(here, name),
        lambda: retire(here, name),
        here.follow,
    ]
    try:
        await chance.choices(steps, [8, 4, 3, 3, 1, 2])[0]()
        version = (await here.get(name)).version
    except (Refused, AssertionError):
        return  # the lifecycle has no such step
    for _ in range(chance.choice([0, 1, 2])):
        there.index.noticed(ParticipantKey(here.tenant, name), version)
        await there.follow()
    if chance.random() < 0.1:
        there.clock.advance(KEPT_SECONDS + 1)
        await there.follow()
        await ready(there)

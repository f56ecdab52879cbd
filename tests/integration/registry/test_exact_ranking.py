"""A search, page by page and at any replica, against asking about everybody and ranking all."""

import random
from collections.abc import Mapping
from typing import Any

import pytest

from phoenix_runtime.core.pages import page_request
from phoenix_runtime.core.standing import Liveness
from phoenix_runtime.core.verdict import DecisionPoint
from registry_svc.domain.declaration import Declaration
from registry_svc.domain.discovery import Requirement, Search
from registry_svc.domain.health import Health
from registry_svc.domain.ranking import (
    CapabilityTrust,
    Eligible,
    KnownTrust,
    RankWeights,
    rank,
    scale_of,
)
from registry_svc.domain.session import ParticipantKey
from registry_svc.usecases.discovery.discover import DiscoverParticipants
from registry_svc.usecases.participants.register import RegisterParticipant
from tests.integration.registry.replica import OpenReplica, Replica

CAPABILITIES = ("a", "b", "c")
NEED = Requirement(required_capabilities=("a", "b"))
PAGE = 3
WEIGHTS = RankWeights()
Trusts = Mapping[str, KnownTrust]


def trusts_of(chance: random.Random, size: int) -> Trusts:
    """What governance knows of so many: newcomers, tried ones, some of them certified."""
    found = {}
    for number in range(size):
        general = chance.choice([0.45, 0.555, 0.555, 0.7])
        certified = {
            capability: CapabilityTrust(round(general + 0.1 * coverage, 6), coverage > 1)
            for capability in CAPABILITIES
            if (coverage := chance.choice([0, 0, 1, 2]))
        }
        found[f"agent.{number:02}"] = KnownTrust(general, certified)
    return found


def judging(replica: Replica, trusts: Trusts) -> None:
    """Let governance answer these trusts, and policy judge by them as the shipped bundle does."""

    def answer(point: DecisionPoint, question: Any) -> dict[str, Any]:
        claims = question.get("claims")
        if claims is not None:
            return default(point, question)
        trust = trusts[question["candidate"]["id"]]
        required = question["requirement"]["required_capabilities"]
        certified = [one for one in required if trust.certified_among([one])]
        return {"trust": trust.least(required), "facts": {"certified": certified}}

    default = replica.policy.answer
    replica.policy.answer = answer
    replica.policy.trusts.update(trusts)


async def join(replica: Replica, chance: random.Random, participant_id: str) -> None:
    """Register somebody who is ACTIVE at once, at some price and under some load."""
    declared = Declaration(
        id=participant_id,
        type="agent",
        owner="acme",
        capabilities=CAPABILITIES,
        liveness=Liveness.UNLEASED,
        cost=chance.choice([None, 1.0, 2.0]),
    )
    await RegisterParticipant(replica.context)(replica.call(participant_id), declared)


def beat(replicas: list[Replica], participant_id: str, load: float | None) -> None:
    """What another replica heard of a participant, at each of these."""
    for replica in replicas:
        key = ParticipantKey(replica.tenant, participant_id)
        now = replica.clock.monotonic()
        replica.context.sessions.record_remote(key, Health(last_beat=now, load=load))


async def pages(replica: Replica) -> list[list[str]]:
    """Who is found, page by page."""
    discover = DiscoverParticipants(replica.context, replica.follow, WEIGHTS)
    found: list[list[str]] = []
    token = ""
    while token or not found:
        page = page_request(PAGE, token, [NEED.document(), []])
        answer = await discover(replica.call("agent.asking"), Search(requirement=NEED, page=page))
        found.append([one.standing.participant_id for one in answer.candidates])
        token = answer.next_token
    return found


async def naive(replica: Replica, trusts: Trusts) -> list[str]:
    """Everybody is asked about, and all are ranked together."""
    call, everybody = replica.call("agent.asking"), []
    for name in trusts:
        [verdict] = await replica.policy.evaluate(
            call,
            DecisionPoint.DISCOVER,
            [{"candidate": {"id": name}, "requirement": NEED.document()}],
        )
        health = replica.context.sessions.health(ParticipantKey(replica.tenant, name))
        everybody.append(Eligible((await replica.get(name)).standing(health), verdict))
    standings = [one.standing for one in everybody]
    scale = scale_of((one.cost for one in standings), (one.latency for one in standings))
    ranked = rank(everybody, NEED.required_capabilities, WEIGHTS, scale)
    return [one.standing.participant_id for one in ranked]


@pytest.mark.parametrize("seed", range(6))
async def test_every_page_at_every_replica_is_that_of_the_naive_ranking(
    open_replica: OpenReplica, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311  # drawn participants, no secret
    replicas = [await open_replica("replica.1"), await open_replica("replica.2")]
    trusts = trusts_of(chance, 14)
    for replica in replicas:
        judging(replica, trusts)
    for name in trusts:
        await join(replicas[0], chance, name)
        beat(replicas, name, chance.choice([None, 0.0, 0.5]))
    expected = await naive(replicas[0], trusts)
    for replica in (*replicas, *replicas):
        found = await pages(replica)
        assert [name for page in found for name in page] == expected
        assert [len(page) for page in found] == [3, 3, 3, 3, 2]

"""The trust by which an index orders participants: when it is read, and when it is read again."""

from collections.abc import Sequence

import pytest

from phoenix_runtime.core.errors import PolicyEngineUnavailable
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.standing import Liveness
from registry_svc.domain.declaration import Declaration
from registry_svc.domain.discovery import Requirement
from registry_svc.domain.discovery_index import TenantIndex
from registry_svc.domain.ranking import CapabilityTrust, KnownTrust
from registry_svc.domain.session import ParticipantKey
from registry_svc.usecases.discovery import follow_trust
from registry_svc.usecases.discovery.follow_trust import REFRESH_SECONDS
from registry_svc.usecases.participants.register import RegisterParticipant
from tests.integration.registry.replica import Replica

MANY = 20
NEED = Requirement(required_capabilities=("a",))


async def join(replica: Replica, *participant_ids: str) -> None:
    for one in participant_ids:
        declared = Declaration(
            id=one, type="agent", owner="acme", capabilities=("a",), liveness=Liveness.UNLEASED
        )
        await RegisterParticipant(replica.context)(replica.call(one), declared)


async def ready(replica: Replica) -> TenantIndex:
    return await replica.follow.ready(replica.call("agent.asking"))


def found(index: TenantIndex) -> list[str]:
    return [place.participant_id for place in index.ranked(NEED, None).take(10)]


def trust(replica: Replica, **known: float) -> None:
    replica.policy.trusts.update({f"agent.{one}": KnownTrust(known[one]) for one in known})


def noticed(replica: Replica, participant_id: str) -> None:
    replica.follow_trust.noticed(ParticipantKey(replica.tenant, participant_id))


async def test_nobody_is_placed_before_it_is_known_whom_to_trust(replica: Replica) -> None:
    await join(replica, "agent.a", "agent.b")
    trust(replica, a=0.6, b=0.7, c=0.9)
    index = await ready(replica)
    assert found(index) == ["agent.b", "agent.a"]
    await join(replica, "agent.c")
    assert found(await ready(replica)) == ["agent.c", "agent.b", "agent.a"]
    assert index.untrusted() == []


async def test_a_search_waits_for_nobody_who_joins_while_it_waits(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a crowd that joins there is always one more."""
    await join(replica, "agent.a")
    trust_of, joined = replica.policy.trust_of, 0

    async def while_one_joins(call: Call, ids: Sequence[str]) -> Sequence[KnownTrust]:
        nonlocal joined
        if joined < MANY:
            joined += 1
            await join(replica, f"agent.later.{joined}")
        return await trust_of(call, ids)

    monkeypatch.setattr(replica.policy, "trust_of", while_one_joins)
    await ready(replica)
    assert joined < MANY
    await ready(replica)
    assert joined < MANY


async def test_new_evidence_is_read_before_everybody(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow_trust, "READ", 1)
    await join(replica, "agent.a", "agent.b", "agent.c")
    index = await ready(replica)
    replica.follow_trust.all_noticed(replica.tenant)
    await replica.follow_trust()
    noticed(replica, "agent.c")
    await replica.follow_trust()
    trust(replica, b=0.8, c=0.9)
    await replica.follow_trust()
    assert found(index) == ["agent.c", "agent.a", "agent.b"]


async def test_without_governance_nobody_is_placed(replica: Replica) -> None:
    await join(replica, "agent.a")
    replica.policy.away = True
    with pytest.raises(PolicyEngineUnavailable):
        await ready(replica)
    replica.policy.away = False
    assert found(await ready(replica)) == ["agent.a"]


async def test_evidence_is_read_in_the_round_after_the_next(replica: Replica) -> None:
    """The ledger has it by then, and the trust rests on it."""
    await join(replica, "agent.a", "agent.b")
    index = await ready(replica)
    noticed(replica, "agent.b")
    await replica.follow_trust()
    trust(replica, b=0.9)
    assert found(index) == ["agent.a", "agent.b"]
    await replica.follow_trust()
    assert found(index) == ["agent.b", "agent.a"]


async def test_evidence_from_before_an_index_was_loaded_is_read_too(replica: Replica) -> None:
    await join(replica, "agent.a", "agent.b")
    noticed(replica, "agent.b")
    index = await ready(replica)
    trust(replica, b=0.9)
    await replica.follow_trust()
    await replica.follow_trust()
    assert found(index) == ["agent.b", "agent.a"]


async def test_what_could_not_be_read_is_read_in_the_next_round(replica: Replica) -> None:
    await join(replica, "agent.a", "agent.b")
    index = await ready(replica)
    noticed(replica, "agent.b")
    await replica.follow_trust()
    trust(replica, b=0.9)
    replica.policy.away = True
    with pytest.raises(PolicyEngineUnavailable):
        await replica.follow_trust()
    replica.policy.away = False
    await replica.follow_trust()
    assert found(index) == ["agent.b", "agent.a"]


@pytest.mark.parametrize("barred", [0, 1])
async def test_a_tenant_that_cannot_be_read_keeps_no_other_from_being_read(
    replica: Replica, monkeypatch: pytest.MonkeyPatch, barred: int
) -> None:
    """Whichever of the two comes first in a round."""
    trust_of, own = replica.policy.trust_of, replica.tenant
    tenants = [own, f"{own}.b"]
    indexes = []
    for replica.tenant in tenants:
        await join(replica, "agent.a", "agent.b")
        indexes.append(await ready(replica))
        noticed(replica, "agent.b")
    await replica.follow_trust()
    trust(replica, b=0.9)

    async def of_others(call: Call, ids: Sequence[str]) -> Sequence[KnownTrust]:
        if call.tenant == tenants[barred]:
            raise PolicyEngineUnavailable("its rules cannot be evaluated")
        return await trust_of(call, ids)

    with monkeypatch.context() as patched:
        patched.setattr(replica.policy, "trust_of", of_others)
        with pytest.raises(PolicyEngineUnavailable):
            await replica.follow_trust()
    assert found(indexes[barred]) == ["agent.a", "agent.b"]
    assert found(indexes[1 - barred]) == ["agent.b", "agent.a"]
    await replica.follow_trust()
    assert found(indexes[barred]) == ["agent.b", "agent.a"]


async def test_everybody_is_read_again_now_and_then_some_a_round(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow_trust, "READ", 1)
    await join(replica, "agent.a", "agent.b")
    index = await ready(replica)
    await replica.follow_trust()
    trust(replica, a=0.1, b=0.9)
    await replica.follow_trust()
    assert found(index) == ["agent.a", "agent.b"]
    replica.clock.advance(REFRESH_SECONDS)
    for _ in range(3):
        await replica.follow_trust()
    assert found(index) == ["agent.b", "agent.a"]


async def test_another_policy_has_everybody_read_again(replica: Replica) -> None:
    await join(replica, "agent.a", "agent.b")
    index = await ready(replica)
    trust(replica, b=0.9)
    replica.follow_trust.all_noticed(replica.tenant)
    await replica.follow_trust()
    await replica.follow_trust()
    assert found(index) == ["agent.b", "agent.a"]


async def test_a_certification_counts_for_what_it_is_about_alone(replica: Replica) -> None:
    await join(replica, "agent.a", "agent.b")
    certified = {"a": CapabilityTrust(0.7, certified=True)}
    replica.policy.trusts["agent.b"] = KnownTrust(0.6, certified)
    index = await ready(replica)
    assert found(index) == ["agent.b", "agent.a"]
    places = index.ranked(Requirement(), None).take(10)
    assert [place.participant_id for place in places] == ["agent.a", "agent.b"]

"""participant.remain: judged again when policy or a certification changed."""

from typing import Any

from redis.asyncio import Redis

from phoenix_dma.v1 import registry_pb2, session_pb2
from phoenix_runtime.chassis.delivery.bus import Bus
from phoenix_runtime.chassis.delivery.bus_events import BusEvent
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.core.clock import SteadyClock
from phoenix_runtime.core.verdict import DecisionPoint, Grants
from tests.integration.registry.conftest import STEWARD, Registry
from tests.support.fakes.policy import deny, everything
from tests.support.waiting.until import until

SUSPENDED = registry_pb2.PARTICIPANT_STATUS_SUSPENDED


async def publish(client: Redis, registry: Registry, kind: str, participant: str = "") -> None:
    bus_event = BusEvent(
        tenant=registry.tenant,
        type=kind,
        event_id=new_id("event"),
        time=SteadyClock().now(),
        service="governance",
        audit_type=kind,
        participant=participant,
    )
    await Bus(client).publish([bus_event])


def judging(registry: Registry, **at_remain: Any) -> None:
    def answer(point: DecisionPoint, question: Any) -> dict[str, Any]:
        if point is DecisionPoint.REMAIN:
            return at_remain
        return everything(point, question)

    registry.policy.answer = answer


def questions(registry: Registry) -> list[list[Any]]:
    return [asked for point, asked in registry.policy.asked if point is DecisionPoint.REMAIN]


async def reviewed(client: Redis, registry: Registry, kind: str, participant: str = "") -> None:
    """Wait for a review that was acted upon: only then does the second question come.

    The event is published again and again: a listener gets only what comes after it started.
    """

    async def asked_twice() -> bool:
        await publish(client, registry, kind, participant)
        return len(questions(registry)) >= 2

    await until(asked_twice)


async def listening(client: Redis, registry: Registry) -> None:
    """Wait until the registry listens to the bus."""
    answer, registry.policy.answer = registry.policy.answer, everything
    await reviewed(client, registry, "CERTIFICATION_GRANTED", STEWARD)
    registry.policy.answer = answer


async def test_a_new_policy_that_denies_suspends_with_its_reason(
    registry: Registry, redis_client: Redis
) -> None:
    await registry.register()
    stream = registry.stream()
    await stream.attach()
    judging(registry, **deny("Owner data-governance is barred.", "owner"))
    await listening(redis_client, registry)
    await publish(redis_client, registry, "POLICY_ACTIVATED")
    lost = await stream.receive_a("lease_lost")
    assert lost.reason == session_pb2.LEASE_LOST_REASON_SUSPENDED
    assert (await registry.get()).status == SUSPENDED
    [event] = await registry.events("PARTICIPANT_SUSPENDED")
    assert event["detail"]["why"] == "Owner data-governance is barred."
    assert event["policy_decision"]["point"] == "participant.remain"
    assert event["actor"] == "service:registry"


async def test_a_policy_that_grants_less_takes_grants_away(
    registry: Registry, redis_client: Redis
) -> None:
    before = (await registry.register()).participant
    judging(registry, grants=Grants(capabilities=frozenset({"policy_check"})))
    await listening(redis_client, registry)
    await publish(redis_client, registry, "POLICY_ACTIVATED")

    async def changed() -> bool:
        return list((await registry.get()).capabilities) == ["policy_check"]

    await until(changed)
    after = await registry.get()
    assert after.standing_revision == before.standing_revision + 1
    assert list(after.declared.capabilities) == list(before.declared.capabilities)
    [event] = await registry.events("CAPABILITIES_UPDATED")
    assert event["detail"]["approving_policy"] == "test.participant.remain"


async def test_a_certification_reviews_whom_it_is_about_and_the_same_grants_change_nothing(
    registry: Registry, redis_client: Redis
) -> None:
    await registry.register()
    await registry.register("agent.other")
    judging(registry)
    await reviewed(redis_client, registry, "CERTIFICATION_REVOKED", STEWARD)
    asked = questions(registry)[0]
    assert [question["participant"]["id"] for question in asked] == [STEWARD]
    assert asked[0]["participant"]["claims"]["capabilities"]
    assert len(await registry.events()) == 2


async def test_a_policy_that_has_no_word_for_it_suspends_nobody(
    registry: Registry, redis_client: Redis
) -> None:
    await registry.register()
    judging(registry, **deny("No rule allows this.", "default_deny"))
    await reviewed(redis_client, registry, "POLICY_ACTIVATED")
    assert (await registry.get()).status == registry_pb2.PARTICIPANT_STATUS_REGISTERED

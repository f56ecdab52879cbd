import asyncio
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from grpc import StatusCode
from grpc.aio import AioRpcError

from phoenix_dma.v1 import registry_pb2
from phoenix_runtime.chassis.rpc.statuses import refusal_of
from phoenix_runtime.core.verdict import DecisionPoint
from registry_svc.domain.declaration import Declaration
from registry_svc.usecases.participants.register import RegisterParticipant
from tests.integration.registry.conftest import STEWARD, Registry, steward
from tests.integration.registry.replica import Replica
from tests.support.fakes.policy import RecordingPolicy, deny, everything


async def test_the_papers_participant_registers_and_is_told_what_is_granted(
    registry: Registry,
) -> None:
    answer = await registry.register()
    assert answer.decision == "approved"
    assert answer.participant.status == registry_pb2.PARTICIPANT_STATUS_REGISTERED
    assert answer.participant.generation == 1
    assert list(answer.participant.data_domains) == ["customer"]
    assert answer.participant.declared.trust_score == pytest.approx(0.91)
    assert not answer.participant.HasField("trust_score")
    assert answer.lease_ttl.seconds == 599
    [event] = await registry.events("PARTICIPANT_REGISTERED")
    assert event["event_id"] == answer.receipt.audit_event_id
    assert event["detail"]["claims"]["status"] == "active"
    assert event["detail"]["owner"] == "data-governance"
    assert event["policy_decision"]["decision_id"] == answer.receipt.policy_decision_id
    assert event["new_state"] == "registered"


async def test_what_was_registered_reads_back_the_same(registry: Registry) -> None:
    answer = await registry.register(capacity=3, cost=2.5, task_types=["merge_review"])
    read = await registry.get()
    assert MessageToDict(read) == MessageToDict(answer.participant)
    assert MessageToDict(read.declared) == MessageToDict(
        steward(capacity=3, cost=2.5, task_types=["merge_review"])
    )


async def test_registering_again_keeps_the_identity_and_counts_a_generation(
    registry: Registry,
) -> None:
    first = await registry.register()
    second = await registry.register(capabilities=["policy_check"])
    assert second.participant.generation == 2
    assert second.participant.create_time == first.participant.create_time
    assert list(second.participant.capabilities) == ["policy_check"]
    assert [event["aggregate_version"] for event in await registry.events()] == [1, 2]


async def test_a_repeated_request_has_one_effect_and_the_same_answer(registry: Registry) -> None:
    first = await registry.register(request_id="once")
    again = await registry.register(request_id="once")
    assert again == first
    assert len(await registry.events()) == 1


async def test_a_denial_is_audited_and_changes_nothing(registry: Registry) -> None:
    registry.policy.answer = lambda point, question: deny("Owner is barred.")
    with pytest.raises(AioRpcError) as refused:
        await registry.register()
    assert refused.value.code() is StatusCode.PERMISSION_DENIED
    assert refusal_of(refused.value).reason == "POLICY_DENIED"
    [event] = await registry.events()
    assert event["type"] == "JOIN_DENIED"
    assert event["detail"]["explanation"] == "Owner is barred."
    assert event["detail"]["remediation"] == ["Ask."]
    with pytest.raises(AioRpcError) as unknown:
        await registry.get()
    assert unknown.value.code() is StatusCode.NOT_FOUND


async def test_without_a_decision_nothing_changes(registry: Registry) -> None:
    registry.policy.away = True
    with pytest.raises(AioRpcError) as refused:
        await registry.register()
    assert refusal_of(refused.value).reason == "POLICY_ENGINE_UNAVAILABLE"
    assert await registry.events() == []


@pytest.mark.parametrize(
    "claims",
    [
        {"participant": "agent.other", "sub": "agent.other"},
        {"owner": "somebody-else"},
        {"participant_type": "human"},
    ],
)
async def test_a_credential_for_another_participant_is_refused_and_audited(
    registry: Registry, claims: dict[str, str]
) -> None:
    with pytest.raises(AioRpcError) as refused:
        await registry.register(metadata_of_call=registry.participant(STEWARD, **claims))
    assert refused.value.code() is StatusCode.PERMISSION_DENIED
    assert refusal_of(refused.value).reason == "NOT_PERMITTED"
    [event] = await registry.events()
    assert event["type"] == "ACCESS_REFUSED"
    assert event["detail"]["attempted"] == "participant.join"
    assert registry.policy.asked == []


async def test_an_operator_may_register_for_somebody_else(registry: Registry) -> None:
    answer = await registry.register(metadata_of_call=registry.person("operator", sub="olga"))
    assert answer.participant.id == STEWARD
    [event] = await registry.events()
    assert event["actor"] == "olga"
    assert event["detail"]["identity"]["registered_by"] == "operator"


async def test_every_violation_is_named_at_once(registry: Registry) -> None:
    with pytest.raises(AioRpcError) as refused:
        await registry.register(
            "Agent.Ä", capabilities=["a b", "policy_check", "policy_check"], capacity=-1
        )
    found = refusal_of(refused.value)
    fields = {violation.field for violation in found.violations}  # type: ignore[attr-defined]
    assert fields == {
        "participant.id",
        "participant.capabilities[0]",
        "participant.capabilities[2]",
        "participant.capacity",
    }
    assert await registry.events() == []


async def test_an_unleased_participant_is_active_at_once(registry: Registry) -> None:
    human = "human.steward.01"
    answer = await registry.register(
        human, type="human", metadata_of_call=registry.participant(human, participant_type="human")
    )
    assert answer.participant.status == registry_pb2.PARTICIPANT_STATUS_ACTIVE
    assert answer.participant.liveness == registry_pb2.LIVENESS_UNLEASED


async def test_another_tenant_finds_nothing(registry: Registry) -> None:
    await registry.register()
    foreign_operator = registry.person("operator", tenant="tenant.somebody-else")
    with pytest.raises(AioRpcError) as refused:
        await registry.registry.GetParticipant(
            registry_pb2.GetParticipantRequest(participant_id=STEWARD), metadata=foreign_operator
        )
    assert refused.value.code() is StatusCode.NOT_FOUND
    listed = await registry.registry.ListParticipants(
        registry_pb2.ListParticipantsRequest(), metadata=foreign_operator
    )
    assert list(listed.participants) == []


def two_are_judged_at_once(policy: RecordingPolicy, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The first two questions are answered once both were asked; answers what has been asked."""
    evaluate, met = policy.evaluate, asyncio.Barrier(2)
    asked: list[Any] = []

    async def together(*question: Any) -> Any:
        asked.append(question)
        if len(asked) <= met.parties:
            await met.wait()
        return await evaluate(*question)

    monkeypatch.setattr(policy, "evaluate", together)
    return asked


async def test_of_two_first_registrations_of_one_id_one_is_the_next_generation(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both find no row and are allowed before either commits."""
    asked = two_are_judged_at_once(replica.policy, monkeypatch)
    declared = Declaration(id="agent.new", type="agent", owner="acme", capabilities=("a", "b"))
    register = RegisterParticipant(replica.context)
    changed = await asyncio.gather(
        *(register(replica.call("agent.new"), declared) for _ in range(2))
    )
    assert sorted(one.view.participant.generation for one in changed) == [1, 2]
    assert (await replica.get("agent.new")).generation == 2
    assert len(asked) == 3


async def test_a_first_registration_that_is_sent_twice_at_once_is_not_denied_the_second_time(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both find no row and are allowed; the one that is late is judged by what the first did."""

    def once(point: DecisionPoint, question: Any) -> dict[str, Any]:
        return deny("Nobody joins twice.") if question["existing"] else everything(point, question)

    registry.policy.answer = once
    asked = two_are_judged_at_once(registry.policy, monkeypatch)
    first, second = await asyncio.gather(*(registry.register(request_id="once") for _ in range(2)))
    assert first == second
    assert len(asked) == 3
    assert [event["type"] for event in await registry.events()] == ["PARTICIPANT_REGISTERED"]

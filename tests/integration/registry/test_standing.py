from typing import Any

import pytest
from google.protobuf import struct_pb2
from google.protobuf.json_format import ParseDict
from grpc.aio import AioRpcError

from phoenix_dma.v1 import registry_pb2, session_pb2
from phoenix_runtime.chassis.rpc.statuses import refusal_of
from tests.integration.registry.conftest import STEWARD, Registry
from tests.support.fakes.policy import deny

Status = registry_pb2.ParticipantStatus


async def refused(call: Any) -> Any:
    with pytest.raises(AioRpcError) as error:
        await call
    return refusal_of(error.value)


async def suspend(registry: Registry, metadata: Any = None) -> Any:
    return await registry.registry.SuspendParticipant(
        registry_pb2.SuspendParticipantRequest(participant_id=STEWARD, reason="under review"),
        metadata=metadata or registry.person("operator", sub="olga"),
    )


async def reinstate(registry: Registry) -> Any:
    return await registry.registry.ReinstateParticipant(
        registry_pb2.ReinstateParticipantRequest(participant_id=STEWARD, reason="reviewed"),
        metadata=registry.person("operator", sub="olga"),
    )


async def begin_retirement(registry: Registry, retirement_id: str = "retire.1") -> Any:
    return await registry.registry.BeginRetirement(
        registry_pb2.BeginRetirementRequest(
            participant_id=STEWARD, retirement_id=retirement_id, mode="graceful"
        ),
        metadata=registry.service_call(),
    )


async def finish_retirement(registry: Registry, retirement_id: str = "retire.1") -> Any:
    record = {"mode": "graceful", "active_tasks": ["task.1"], "outcomes": {"task.1": "completed"}}
    return await registry.registry.FinishRetirement(
        registry_pb2.FinishRetirementRequest(
            participant_id=STEWARD,
            retirement_id=retirement_id,
            record=ParseDict(record, struct_pb2.Struct()),
        ),
        metadata=registry.service_call(),
    )


async def update(registry: Registry, metadata: Any = None, **fields: Any) -> Any:
    said = {"participant_id": STEWARD, "capabilities": ["policy_check"], **fields}
    return await registry.registry.UpdateCapabilities(
        registry_pb2.UpdateCapabilitiesRequest(**said),
        metadata=metadata or registry.participant(),
    )


async def test_suspended_and_reinstated_each_with_its_event_and_a_newer_standing(
    registry: Registry,
) -> None:
    await registry.register()
    stream = registry.stream()
    await stream.attach()
    answer = await suspend(registry)
    assert answer.participant.status == Status.PARTICIPANT_STATUS_SUSPENDED
    assert answer.participant.status_reason == "participant_suspended"
    lost = await stream.receive_a("lease_lost")
    assert lost.reason == session_pb2.LEASE_LOST_REASON_SUSPENDED
    assert (await stream.attach()).lease_lost.reason == lost.reason
    back = await reinstate(registry)
    assert back.participant.status == Status.PARTICIPANT_STATUS_REGISTERED
    assert back.participant.standing_revision == answer.participant.standing_revision + 1
    assert (await stream.attach()).lease.participant_id == STEWARD
    events = await registry.events("PARTICIPANT_SUSPENDED", "PARTICIPANT_REINSTATED")
    assert [(event["actor"], event["detail"]["why"]) for event in events] == [
        ("olga", "under review"),
        ("olga", "reviewed"),
    ]


async def test_the_suspended_cannot_register_and_the_refusal_is_audited(
    registry: Registry,
) -> None:
    await registry.register()
    await suspend(registry)
    assert (await refused(registry.register())).reason == "ILLEGAL_TRANSITION"
    [event] = await registry.events("JOIN_DENIED")
    assert event["previous_state"] == "suspended"


async def test_only_operators_suspend(registry: Registry) -> None:
    await registry.register()
    assert (await refused(suspend(registry, registry.participant()))).reason == "NOT_PERMITTED"


async def test_retired_is_for_ever(registry: Registry) -> None:
    await registry.register()
    stream = registry.stream()
    await stream.attach()
    begun = await begin_retirement(registry)
    assert begun.standing.status == Status.PARTICIPANT_STATUS_RETIRING
    await stream.beat()  # it may finish what it has
    ended = await finish_retirement(registry)
    assert ended.standing.status == Status.PARTICIPANT_STATUS_RETIRED
    lost = await stream.receive_a("lease_lost")
    assert lost.reason == session_pb2.LEASE_LOST_REASON_RETIRED
    assert (await refused(registry.register())).reason == "ILLEGAL_TRANSITION"
    assert (await refused(reinstate(registry))).reason == "ILLEGAL_TRANSITION"
    assert (await refused(suspend(registry))).reason == "ILLEGAL_TRANSITION"
    assert (await refused(update(registry))).reason == "ILLEGAL_TRANSITION"
    [event] = await registry.events("PARTICIPANT_RETIRED")
    assert event["detail"]["mode"] == "graceful"
    assert event["detail"]["active_tasks"] == ["task.1"]
    assert event["detail"]["outcomes"] == {"task.1": "completed"}


async def test_a_retirement_that_is_asked_for_again_answers_the_same_without_an_event(
    registry: Registry,
) -> None:
    await registry.register()
    first = await begin_retirement(registry)
    again = await begin_retirement(registry)
    assert again.standing == first.standing
    assert not again.HasField("receipt")
    assert (await refused(finish_retirement(registry, "retire.2"))).reason == "ILLEGAL_TRANSITION"
    await finish_retirement(registry)
    assert not (await finish_retirement(registry)).HasField("receipt")
    # Assignment died after the end here and before its own note of it: it begins once more.
    assert not (await begin_retirement(registry)).HasField("receipt")
    assert len(await registry.events("PARTICIPANT_RETIRING", "PARTICIPANT_RETIRED")) == 2


async def test_suspending_one_that_retires_leaves_it_retiring_and_waits_no_longer(
    registry: Registry,
) -> None:
    await registry.register()
    await begin_retirement(registry)
    answer = await suspend(registry)
    assert answer.participant.status == Status.PARTICIPANT_STATUS_RETIRING
    assert answer.participant.status_reason == "participant_suspended"


async def test_retirement_is_for_services_alone(registry: Registry) -> None:
    await registry.register()
    request = registry_pb2.BeginRetirementRequest(participant_id=STEWARD, retirement_id="retire.1")
    call = registry.registry.BeginRetirement(request, metadata=registry.person("operator"))
    assert (await refused(call)).reason == "NOT_PERMITTED"


async def test_other_claims_bring_other_grants_and_both_sets_are_audited(
    registry: Registry,
) -> None:
    before = await registry.register()
    answer = await update(registry, data_domains=["supplier"], capacity=4)
    assert list(answer.participant.capabilities) == ["policy_check"]
    assert list(answer.participant.data_domains) == ["supplier"]
    assert list(answer.participant.permissions) == []
    assert answer.participant.capacity == 4
    assert answer.participant.standing_revision == before.participant.standing_revision + 1
    assert answer.participant.generation == 1
    assert answer.participant.metadata["framework"] == "langgraph"
    [event] = await registry.events("CAPABILITIES_UPDATED")
    assert event["detail"]["old"]["capabilities"] == sorted(before.participant.capabilities)
    assert event["detail"]["new"]["capabilities"] == ["policy_check"]
    assert event["detail"]["approving_policy"] == "test.capability.update"
    edges = await graph(registry, participant_id=STEWARD)
    assert edges == [("capability", "policy_check"), ("data_domain", "supplier")]


async def test_a_stale_etag_changes_nothing(registry: Registry) -> None:
    first = await registry.register()
    await update(registry, etag=first.participant.etag)
    found = await refused(update(registry, etag=first.participant.etag))
    assert found.reason == "ETAG_MISMATCH"
    assert len(await registry.events("CAPABILITIES_UPDATED")) == 1


async def test_a_denied_update_is_audited_and_changes_nothing(registry: Registry) -> None:
    before = await registry.register()
    registry.policy.answer = lambda point, question: deny("No.")
    assert (await refused(update(registry))).reason == "POLICY_DENIED"
    [event] = await registry.events("POLICY_DENIED")
    assert event["detail"]["policy"] == "test.capability.update"
    assert (await registry.get()).capabilities == before.participant.capabilities


async def test_nobody_updates_somebody_else(registry: Registry) -> None:
    await registry.register()
    found = await refused(update(registry, registry.participant("agent.other")))
    assert found.reason == "NOT_PERMITTED"
    assert len(await registry.events("ACCESS_REFUSED")) == 1


async def graph(registry: Registry, **fields: Any) -> list[tuple[str, str]]:
    names = registry_pb2.CapabilityEdgeKind.Name
    found: list[tuple[str, str]] = []
    token = ""
    while True:
        answer = await registry.registry.QueryCapabilityGraph(
            registry_pb2.QueryCapabilityGraphRequest(page_token=token, page_size=2, **fields),
            metadata=registry.person("auditor"),
        )
        prefix = "CAPABILITY_EDGE_KIND_"
        found += [
            (names(edge.kind).removeprefix(prefix).lower(), edge.name) for edge in answer.edges
        ]
        token = answer.next_page_token
        if not token:
            return found


async def test_the_graph_ties_participants_to_everything_they_may_do(registry: Registry) -> None:
    model = registry_pb2.ModelEndpoint(name="model.small", cost=0.1, data_sensitivity="internal")
    await registry.register(task_types=["merge_review"], model_endpoints=[model])
    await registry.register("agent.other", capabilities=["policy_check"], permissions=[])
    kinds = {kind for kind, _ in await graph(registry, participant_id=STEWARD)}
    assert kinds == {"capability", "data_domain", "permission", "model_endpoint", "task_type"}
    who = await graph(registry, name="policy_check")
    assert who == [("capability", "policy_check")] * 2


async def test_participants_are_listed_by_id_page_by_page(registry: Registry) -> None:
    for number in range(5):
        await registry.register(f"agent.{number}")
    seen: list[str] = []
    token = ""
    while True:
        page = await registry.registry.ListParticipants(
            registry_pb2.ListParticipantsRequest(
                statuses=[Status.PARTICIPANT_STATUS_REGISTERED], page_size=2, page_token=token
            ),
            metadata=registry.person("reviewer"),
        )
        seen += [one.id for one in page.participants]
        token = page.next_page_token
        if not token:
            break
    assert seen == [f"agent.{number}" for number in range(5)]


async def test_who_registered_last_comes_first_where_that_is_asked(registry: Registry) -> None:
    for name in ("b", "c", "a"):
        await registry.register(f"agent.{name}")
    seen: list[str] = []
    request = registry_pb2.ListParticipantsRequest(newest_first=True, with_total=True, page_size=2)
    while True:
        page = await registry.registry.ListParticipants(
            request, metadata=registry.person("reviewer")
        )
        assert page.total_size == 3
        seen += [one.id for one in page.participants]
        request.page_token = page.next_page_token
        if not request.page_token:
            break
    assert seen == ["agent.a", "agent.c", "agent.b"]


async def test_standings_are_read_many_at_once_and_the_unknown_are_left_out(
    registry: Registry,
) -> None:
    await registry.register(capacity=3)
    answer = await registry.registry.BatchGetStandings(
        registry_pb2.BatchGetStandingsRequest(participant_ids=[STEWARD, "agent.unknown"]),
        metadata=registry.service_call(),
    )
    [standing] = answer.standings
    assert (standing.participant_id, standing.capacity, standing.generation) == (STEWARD, 3, 1)
    assert list(standing.grants.data_domains) == ["customer"]

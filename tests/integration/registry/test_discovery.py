import asyncio
from functools import partial
from typing import Any

import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError

from phoenix_dma.v1 import common_pb2, registry_pb2, session_pb2
from phoenix_runtime.chassis.rpc.statuses import refusal_of
from phoenix_runtime.core.errors import FieldInvalid
from phoenix_runtime.core.pages import page_request
from phoenix_runtime.core.standing import RiskLevel
from phoenix_runtime.core.verdict import DecisionPoint
from registry_svc.domain.discovery import Requirement
from tests.integration.registry.conftest import STEWARD, Registry
from tests.support.assertions.metrics import counted
from tests.support.fakes.policy import deny, everything
from tests.support.waiting.until import until

AT_ONCE = 4
"""Fewer than there are connections: on a slow machine nobody waits for one in vain."""
NEED = {
    "required_capabilities": ["duplicate_detection", "customer_validation"],
    "data_domains": ["customer"],
}


async def active(registry: Registry, participant_id: str, load: float = 0.0, **fields: Any) -> None:
    """Registered and beating."""
    await registry.register(participant_id, **fields)
    await registry.sessions.Heartbeat(
        session_pb2.HeartbeatRequest(participant_id=participant_id, load=load),
        metadata=registry.participant(participant_id),
    )


async def discover(registry: Registry, metadata: Any = None, **fields: Any) -> Any:
    request = registry_pb2.DiscoverParticipantsRequest(**{**NEED, **fields})
    return await registry.registry.DiscoverParticipants(
        request, metadata=metadata or registry.person("submitter")
    )


def names(found: Any) -> list[str]:
    return [candidate.participant_id for candidate in found.candidates]


async def test_everything_that_is_needed_has_to_be_granted(registry: Registry) -> None:
    await active(registry, STEWARD)
    await active(registry, "agent.one-capability", capabilities=["duplicate_detection"])
    await active(registry, "agent.other-type", task_types=["code_review"])
    await registry.register("agent.silent")
    other = await registry.register("agent.other-domain")
    assert other.participant.generation == 1
    found = await discover(registry, task_type="merge_review")
    assert names(found) == [STEWARD]
    failed = {one.participant_id: one.failed for one in found.excluded}
    assert failed == {
        "agent.one-capability": "capability_match",
        "agent.other-type": "capability_match",
        "agent.silent": "active",
        "agent.other-domain": "active",
    }
    found = await discover(registry, data_domains=["supplier"])
    assert names(found) == []
    assert {one.participant_id: one.failed for one in found.excluded}[STEWARD] == "policy_allows"


async def test_what_was_found_is_audited_before_it_is_answered(registry: Registry) -> None:
    await active(registry, STEWARD)
    found = await discover(registry, task_id="task.1")
    [event] = await registry.events("DISCOVERY_COMPLETED")
    assert event["event_id"] == found.receipt.audit_event_id
    assert event["task"] == "task.1"
    assert [one["participant_id"] for one in event["detail"]["candidates"]] == [STEWARD]
    assert event["detail"]["request"]["required_capabilities"] == NEED["required_capabilities"]


async def test_registrations_and_searches_are_timed(registry: Registry) -> None:
    names = ("phoenix_dma_registration_seconds_count", "phoenix_dma_discovery_seconds_count")
    before = [counted(name) for name in names]
    await active(registry, STEWARD)
    await discover(registry)
    await discover(registry)
    assert [counted(name) for name in names] == [before[0] + 1, before[1] + 2]


async def test_the_rank_explains_itself_and_prefers_the_idle_and_the_trusted(
    registry: Registry,
) -> None:
    await active(registry, "agent.busy", load=0.9)
    await active(registry, "agent.idle", load=0.1)
    await active(registry, "agent.trusted", load=0.1)

    def answer(point: DecisionPoint, question: Any) -> dict[str, Any]:
        said = everything(point, question)
        candidate = question.get("candidate", {})
        if candidate.get("id") == "agent.trusted":
            said |= {"trust": 0.9, "facts": {"certified": ["duplicate_detection"]}}
        return said

    registry.policy.answer = answer
    found = await discover(registry)
    assert names(found) == ["agent.trusted", "agent.idle", "agent.busy"]
    best = found.candidates[0]
    assert list(best.certified) == ["duplicate_detection"]
    assert {term.name for term in best.rank.terms} == {
        "capability_match",
        "trust",
        "load",
        "latency",
        "cost",
    }
    assert all(term.because for term in best.rank.terms)
    assert best.standing.load == pytest.approx(0.1)
    assert (await registry.get("agent.trusted")).trust_score == pytest.approx(0.9)


async def test_the_suspect_rank_last(registry: Registry) -> None:
    await active(registry, "agent.a")
    await active(registry, "agent.b", load=0.9)
    stream = registry.stream(registry.participant("agent.a"))
    await stream.attach("agent.a")
    stream.call.cancel()

    async def suspect() -> bool:
        return bool((await registry.get("agent.a")).suspect)

    await until(suspect)
    assert names(await discover(registry)) == ["agent.b", "agent.a"]


async def test_degraded_participants_are_found_where_permitted(registry: Registry) -> None:
    await registry.register()
    await registry.sessions.Heartbeat(
        session_pb2.HeartbeatRequest(
            participant_id=STEWARD, status=session_pb2.HEALTH_STATE_OVERLOADED
        ),
        metadata=registry.participant(),
    )
    assert names(await discover(registry)) == []
    assert names(await discover(registry, degraded_allowed=True)) == [STEWARD]
    assert names(await discover(registry, policy_constraints=["degraded_allowed"])) == [STEWARD]


async def test_a_denied_first_batch_never_looks_like_nobody(registry: Registry) -> None:
    for number in range(70):
        await active(registry, f"agent.{number:03}")

    def answer(point: DecisionPoint, question: Any) -> dict[str, Any]:
        candidate = question.get("candidate")
        if candidate is not None and candidate["id"] < "agent.066":
            return deny("Trust is too low.", "trust_ok")
        return everything(point, question)

    registry.policy.answer = answer
    found = await discover(registry, page_size=3)
    assert names(found) == ["agent.066", "agent.067", "agent.068"]
    assert len(found.excluded) == 50
    assert {one.failed for one in found.excluded} == {"trust_ok"}
    assert all(one.policy_decision_id for one in found.excluded)
    point = DecisionPoint.DISCOVER
    batches = [len(asked) for about, asked in registry.policy.asked if about is point]
    assert batches == [10, 60]
    rest = await discover(registry, page_size=3, page_token=found.next_page_token)
    assert names(rest) == ["agent.069"]
    assert rest.next_page_token == ""


async def test_pages_show_everybody_once(registry: Registry) -> None:
    wanted = {f"agent.{number:03}" for number in range(25)}
    for one in wanted:
        await active(registry, one)
    seen: list[str] = []
    token = ""
    while True:
        found = await discover(registry, page_size=10, page_token=token)
        seen += names(found)
        token = found.next_page_token
        if not token:
            break
    assert sorted(seen) == sorted(wanted)


async def test_a_token_belongs_to_its_filters(registry: Registry) -> None:
    for number in range(3):
        await active(registry, f"agent.{number}")
    found = await discover(registry, page_size=1)
    with pytest.raises(AioRpcError) as refused:
        await discover(registry, data_domains=[], page_token=found.next_page_token)
    assert refusal_of(refused.value).reason == "FIELD_INVALID"


async def test_the_unwanted_are_left_out(registry: Registry) -> None:
    await active(registry, "agent.1")
    await active(registry, "agent.2")
    found = await discover(registry, exclude=["agent.1"])
    assert names(found) == ["agent.2"]
    assert [one.participant_id for one in found.excluded] == []


async def test_the_engines_tries_are_audited_only_where_the_result_changed(
    registry: Registry,
) -> None:
    await active(registry, "agent.1")
    engine = registry.service_call()
    said = {"engine_try": True, "task_id": "task.1", "correlation_id": "audit.corr.task"}
    first = await discover(registry, engine, **said)
    again = await discover(registry, engine, **said)
    assert first.receipt.correlation_id == "audit.corr.task"
    assert not again.HasField("receipt")
    await active(registry, "agent.2")
    assert (await discover(registry, engine, **said)).HasField("receipt")
    assert len(await registry.events("DISCOVERY_COMPLETED")) == 2
    # Nobody but a service tries in the engine's name.
    assert (await discover(registry, **said)).HasField("receipt")
    assert (await discover(registry, **said)).HasField("receipt")


async def test_policy_reads_grants_and_the_need(registry: Registry) -> None:
    await active(registry, STEWARD)
    await discover(registry, risk_level=common_pb2.RISK_LEVEL_HIGH)
    question = registry.policy.asked[-1][1][0]
    assert question["candidate"]["data_domains"] == ["customer"]
    assert question["candidate"]["status"] == "active"
    assert question["requirement"]["risk_level"] == "high"


async def test_without_a_decision_nobody_is_found_and_it_is_said_why(registry: Registry) -> None:
    await active(registry, STEWARD)
    registry.policy.away = True
    with pytest.raises(AioRpcError) as refused:
        await discover(registry)
    assert refusal_of(refused.value).reason == "POLICY_ENGINE_UNAVAILABLE"


async def crowd(registry: Registry, size: int, **fields: Any) -> list[str]:
    """So many who are registered and beat, their ids in order.

    A busy registry refuses some for a moment; as any client they try again.
    """
    ids = [f"agent.{number:04}" for number in range(size)]

    async def joins(participant_id: str) -> bool:
        try:
            await active(registry, participant_id, **fields)
        except AioRpcError as refused:
            if refused.code() is not StatusCode.UNAVAILABLE:
                raise
            return False
        return True

    for start in range(0, size, AT_ONCE):
        some = ids[start : start + AT_ONCE]
        await asyncio.gather(*(until(partial(joins, one)) for one in some))
    return ids


@pytest.mark.parametrize("size", [300, pytest.param(1000, marks=pytest.mark.long)])
async def test_the_best_of_many_is_the_first_wherever_its_id_stands(
    registry: Registry, size: int
) -> None:
    others = await crowd(registry, size, cost=10.0)
    await active(registry, "agent.best", cost=1.0)
    await active(registry, "agent.zzz", cost=5.0)
    found = await discover(registry, page_size=3)
    assert names(found) == ["agent.best", "agent.zzz", others[0]]
    seen = names(found)
    while found.next_page_token:
        found = await discover(registry, page_size=100, page_token=found.next_page_token)
        seen += names(found)
    assert seen == ["agent.best", "agent.zzz", *others]


@pytest.mark.parametrize("size", [300, pytest.param(1000, marks=pytest.mark.long)])
async def test_the_one_whom_policy_allows_is_found_among_many(
    registry: Registry, size: int
) -> None:
    others = await crowd(registry, size)

    def answer(point: DecisionPoint, question: Any) -> dict[str, Any]:
        candidate = question.get("candidate")
        if candidate is not None and candidate["id"] != others[-1]:
            return deny("Trust is too low.", "trust_ok")
        return everything(point, question)

    registry.policy.answer = answer
    found = await discover(registry, page_size=5)
    assert (names(found), found.next_page_token) == ([others[-1]], "")


@pytest.mark.parametrize("lacking", ["nan", "inf", "-inf", "x", ""])
async def test_a_token_that_names_no_place_is_refused(registry: Registry, lacking: str) -> None:
    filters = [Requirement(**NEED, risk_level=RiskLevel.LOW).document(), []]  # type: ignore[arg-type]
    token = page_request(1, "", filters).token(("", lacking, "agent.x"))
    with pytest.raises(AioRpcError) as refused:
        await discover(registry, page_token=token)
    assert isinstance(refusal_of(refused.value), FieldInvalid)

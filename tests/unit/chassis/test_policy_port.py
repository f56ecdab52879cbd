"""The policy port: which verdicts count on an input of which a part was left out."""

from collections.abc import Sequence
from typing import Any, cast

import pytest

from phoenix_dma.v1 import common_pb2, governance_pb2
from phoenix_runtime.chassis.rpc import policy as port
from phoenix_runtime.chassis.rpc.channels import Channels
from phoenix_runtime.core.errors import (
    FieldInvalid,
    PolicyEngineUnavailable,
    Unavailable,
    Violation,
)
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import DecisionPoint, Verdict
from tests.support.builders.calls import call_of

ALLOW = common_pb2.PolicyVerdict(
    effect=common_pb2.POLICY_EFFECT_ALLOW, decision_id="opa.dec.1", point="task.complete"
)


class ScriptedChannels:
    """Answers in order what it was given, and counts."""

    def __init__(self, *answers: governance_pb2.EvaluatePoliciesResponse | Exception) -> None:
        self._answers = list(answers)
        self.requests: list[governance_pb2.EvaluatePoliciesRequest] = []

    def channel(self, service: str) -> Any:
        class Stubs:
            def unary_unary(self, *args: Any, **kwargs: Any) -> None: ...

        return Stubs()

    async def ask(self, call: Call, method: Any, request: Any) -> Any:
        self.requests.append(request)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def answer(
    *verdicts: common_pb2.PolicyVerdict, unread: Sequence[str] = ()
) -> governance_pb2.EvaluatePoliciesResponse:
    return governance_pb2.EvaluatePoliciesResponse(verdicts=verdicts, unread=unread)


async def ask(policy: port.GovernancePolicy, tenant: str = "tenant.1") -> Verdict | None:
    call = call_of("service", tenant=tenant, subject="assignment")
    return await policy.evaluate_without(call, DecisionPoint.COMPLETE, {"task": {}}, "assignee")


async def test_a_verdict_counts_where_no_rule_reads_what_was_left_out() -> None:
    channels = ScriptedChannels(answer(ALLOW, unread=["assignee"]))
    verdict = await ask(port.GovernancePolicy(cast("Channels", channels)))
    assert verdict is not None
    assert verdict.decision_id == "opa.dec.1"
    assert list(channels.requests[0].left_out) == ["assignee"]


async def test_a_verdict_of_a_service_that_does_not_know_the_field_does_not_count() -> None:
    channels = ScriptedChannels(answer(ALLOW))
    assert await ask(port.GovernancePolicy(cast("Channels", channels))) is None


async def test_a_tenant_whose_rules_need_a_part_is_asked_without_it_again_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    channels = ScriptedChannels(
        answer(), answer(ALLOW, unread=["assignee"]), answer(ALLOW, unread=["assignee"])
    )
    policy = port.GovernancePolicy(cast("Channels", channels))
    assert [await ask(policy), await ask(policy)] == [None, None]
    assert len(channels.requests) == 1
    assert await ask(policy, tenant="tenant.2") is not None
    monkeypatch.setattr(port, "NEEDED_SECONDS", -1.0)
    policy = port.GovernancePolicy(
        cast("Channels", ScriptedChannels(answer(), answer(ALLOW, unread=["assignee"])))
    )
    assert await ask(policy) is None
    assert await ask(policy) is not None


async def test_inputs_and_facts_travel_as_texts() -> None:
    response = answer(ALLOW)
    response.facts.append(b'{"trust": {"least": 0.5}}')
    channels = ScriptedChannels(response)
    call = call_of("service", subject="assignment")
    policy = port.GovernancePolicy(cast("Channels", channels))
    (verdict,) = await policy.evaluate(call, DecisionPoint.COMPLETE, [{"task": {"n": 1}}])
    assert verdict.facts == {"trust": {"least": 0.5}}
    (request,) = channels.requests
    assert (request.batch, list(request.inputs)) == (b'{"inputs":[{"task":{"n":1}}]}', [])


async def test_a_governance_that_does_not_take_texts_is_sent_messages() -> None:
    channels = ScriptedChannels(
        FieldInvalid([Violation("inputs", "is required")]), answer(ALLOW, unread=["assignee"])
    )
    assert await ask(port.GovernancePolicy(cast("Channels", channels))) is not None
    request = channels.requests[-1]
    assert (request.batch, len(request.inputs)) == (b"", 1)


async def test_what_no_text_can_hold_is_not_sent_as_something_else() -> None:
    channels = ScriptedChannels()
    call = call_of("service", subject="assignment")
    policy = port.GovernancePolicy(cast("Channels", channels))
    with pytest.raises(ValueError, match="NaN"):
        await policy.evaluate(call, DecisionPoint.COMPLETE, [{"n": float("nan")}])
    assert channels.requests == []


@pytest.mark.parametrize("facts", [[b"{}", b"{}"], [b"{"]])
async def test_facts_that_belong_to_no_verdict_are_no_decision(facts: list[bytes]) -> None:
    response = answer(ALLOW, unread=["assignee"])
    response.facts.extend(facts)
    with pytest.raises(PolicyEngineUnavailable):
        await ask(port.GovernancePolicy(cast("Channels", ScriptedChannels(response))))


async def test_without_governance_there_is_no_decision() -> None:
    channels = ScriptedChannels(Unavailable("it is away"))
    with pytest.raises(PolicyEngineUnavailable):
        await ask(port.GovernancePolicy(cast("Channels", channels)))

"""The policy port: which verdicts count on an input of which a part was left out."""

from collections.abc import Sequence
from typing import Any, cast

import pytest

from phoenix_dma.v1 import common_pb2, governance_pb2
from phoenix_runtime.chassis.rpc import policy as port
from phoenix_runtime.chassis.rpc.channels import Channels
from phoenix_runtime.core.errors import PolicyEngineUnavailable, Unavailable
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


async def test_without_governance_there_is_no_decision() -> None:
    channels = ScriptedChannels(Unavailable("it is away"))
    with pytest.raises(PolicyEngineUnavailable):
        await ask(port.GovernancePolicy(cast("Channels", channels)))

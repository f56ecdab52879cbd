"""Nobody approves their own: a decision by somebody whom the asker's credential enrolled (I13)."""

from typing import Any

import pytest

from phoenix_dma.v1 import approval_pb2
from phoenix_runtime.chassis.data.access_log import EVENTS_A_MINUTE
from phoenix_runtime.chassis.rpc.credentials import ServiceSigner
from phoenix_runtime.chassis.rpc.interceptors.identity import SERVICE_CREDENTIAL
from phoenix_runtime.core.clock import SteadyClock
from phoenix_runtime.core.errors import NotPermitted, PolicyDenied
from phoenix_runtime.core.events import AuditEvent
from tests.integration.governance.conftest import REVIEWER, Governance
from tests.integration.governance.participants import projected, registered
from tests.integration.governance.test_approvals import approval_request, audited, decision
from tests.support.builders.audit_events import audit_event
from tests.support.builders.keys import bearer
from tests.support.waiting.until import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

AGENT = "enrolment.agent"
OPERATOR = ["root", "operator"]


async def decide_as(governance: Governance, approval_id: str, **descent: Any) -> Any:
    claims = {
        "sub": REVIEWER,
        "participant": REVIEWER,
        "participant_type": "human",
        "owner": "acme",
        **descent,
    }
    method, request = governance.approvals.DecideApproval, decision(approval_id)
    return await governance.as_person(method, request, "participant", "reviewer", **claims)


async def ask(governance: Governance, **fields: Any) -> approval_pb2.Approval:
    request = approval_request(**fields)
    answer = await governance.as_service(governance.approvals.RequestApproval, request)
    return answer.approval


@pytest.mark.parametrize(
    ("bars", "descent"),
    [
        (
            {"barred_credentials": ["root"]},
            {"credential": "root", "holder": "operator"},
        ),
        (
            {"barred_credentials": ["root"]},
            {"credential": "enrolment.jane", "holder": REVIEWER, "enrolled_by": [OPERATOR]},
        ),
        (
            {"barred_credentials": [AGENT]},
            {
                "credential": "enrolment.puppet",
                "holder": REVIEWER,
                "enrolled_by": [OPERATOR, [AGENT, "agent.a"], ["enrolment.b", "human.b"]],
            },
        ),
        (
            {"barred_owners": ["otto"]},
            {
                "credential": "enrolment.puppet",
                "holder": REVIEWER,
                "enrolled_by": [OPERATOR, ["enrolment.otto", "otto"]],
            },
        ),
    ],
    ids=["same credential", "enrolled by it", "enrolled through it", "enrolled by the owner"],
)
async def test_who_was_enrolled_through_the_asker_does_not_decide(
    governance: Governance, bars: dict[str, Any], descent: dict[str, Any]
) -> None:
    asked = await ask(governance, **bars)
    with pytest.raises(NotPermitted, match="enrol") as refused:
        await decide_as(governance, asked.approval_id, **descent)
    assert "phoenix-dma enrol participant" in refused.value.remedy
    [event] = await audited(governance, "ACCESS_REFUSED")
    assert (event.reason_code, event.actor) == ("same_descent", REVIEWER)
    assert event.detail["facts"]["approval_id"] == asked.approval_id


async def test_whom_the_credential_of_an_owner_can_be_does_not_decide(
    governance: Governance,
) -> None:
    """The owner's name and the decider's differ; one enrolment can be both."""
    enrolled = audit_event(
        governance.tenant,
        type="IDENTITY_ENROLLED",
        actor="otto",
        participant="otto",
        detail={"identity": "otto", "enrolment_id": "root"},
    )
    await governance.append(enrolled)
    asked = await ask(governance, barred_owners=["otto"])

    await projected_of(governance, enrolled)
    with pytest.raises(NotPermitted, match="owns who did"):
        await decide_as(governance, asked.approval_id, credential="root", holder="operator")
    own = {"credential": "e.jane", "holder": REVIEWER, "enrolled_by": [["key", "issuer"]]}
    decided = await decide_as(governance, asked.approval_id, **own)
    assert decided.approval.decided_by == REVIEWER


async def projected_of(governance: Governance, event: AuditEvent) -> None:
    """Wait until trust rests on the event: later events of the ledger are projected after it."""
    assert event.tenant == governance.tenant
    await projected(governance, registered(governance.tenant))


async def ask_in_a_call_of(governance: Governance, **claims: Any) -> approval_pb2.Approval:
    """Assignment asks while it serves the call of a participant."""
    key = governance.keys.service_key("assignment")
    signer = ServiceSigner("assignment", key, SteadyClock(), audience="phoenix-dma")
    token = governance.keys.token("participant", tenant=governance.tenant, **claims)
    beside = ((SERVICE_CREDENTIAL, f"Bearer {signer.token(governance.tenant)}"),)
    answer = await governance.approvals.RequestApproval(
        approval_request(), metadata=bearer(token) + beside
    )
    return answer.approval


async def test_the_credential_of_who_asks_bars_whom_it_enrolled(governance: Governance) -> None:
    """It may be another one than the agent registered with, which is all that assignment knows."""
    asker = {"sub": "agent.a", "participant": "agent.a", "participant_type": "agent"}
    held = {"credential": AGENT, "holder": "ci", "enrolled_by": [OPERATOR]}
    asked = await ask_in_a_call_of(governance, **asker, owner="acme", **held)
    puppet = {
        "credential": "enrolment.puppet",
        "holder": REVIEWER,
        "enrolled_by": [OPERATOR, [AGENT, "ci"]],
    }
    with pytest.raises(NotPermitted, match="was enrolled through"):
        await decide_as(governance, asked.approval_id, **puppet)


@pytest.mark.parametrize(
    ("roles", "kind"),
    [(["participant"], "agent"), (["submitter"], ""), (["operator", "auditor"], "")],
    ids=["agent", "submitter", "operator"],
)
async def test_a_decision_by_who_has_no_such_role_is_refused_and_audited(
    governance: Governance, roles: list[str], kind: str
) -> None:
    asked = await ask(governance)
    claims = {"participant": "some.body", "participant_type": kind} if kind else {}
    method, request = governance.approvals.DecideApproval, decision(asked.approval_id)
    for _ in range(5):
        with pytest.raises(NotPermitted, match="DecideApproval is for reviewer") as refused:
            await governance.as_person(method, request, *roles, sub="some.body", **claims)
        assert "reviewer" in refused.value.remedy

    async def few() -> Any:
        found = await audited(governance, "ACCESS_REFUSED")
        return found if len(found) >= EVENTS_A_MINUTE else None

    events = await until(few)
    assert len(events) == EVENTS_A_MINUTE, "a flood of refusals does not fill the audit"
    assert (events[0].reason_code, events[0].actor) == ("credential_misused", "some.body")
    assert events[0].correlation_id == asked.correlation_id
    assert events[0].detail["attempted"] == "approval.decide"
    facts = events[0].detail["facts"]
    assert (facts["approval_id"], facts["task_id"]) == (asked.approval_id, asked.task_id)
    assert "is for reviewer" in facts["because"]


async def test_a_decision_about_no_approval_is_refused_by_role_first(
    governance: Governance,
) -> None:
    method, request = governance.approvals.DecideApproval, decision("approval.none")
    with pytest.raises(NotPermitted):
        await governance.as_person(method, request, "submitter", sub="some.body")
    [event] = await audited(governance, "ACCESS_REFUSED")
    assert event.detail["facts"]["approval_id"] == "approval.none"


async def test_an_operator_whom_policy_denies_the_decision_is_audited(
    governance: Governance,
) -> None:
    asked = await ask(governance)
    method, request = governance.approvals.DecideApproval, decision(asked.approval_id)
    with pytest.raises(PolicyDenied, match="human"):
        await governance.as_person(method, request, "operator", "reviewer", sub="root")
    [event] = await audited(governance, "POLICY_DENIED")
    assert (event.actor, event.task) == ("root", asked.task_id)
    assert event.detail["about"] == f"approval/{asked.approval_id}"
    assert "human" in str(event.detail["explanation"])


async def test_who_was_enrolled_by_the_same_operator_decides(governance: Governance) -> None:
    asked = await ask(governance, barred_credentials=[AGENT])
    descent = {"credential": "enrolment.jane", "holder": REVIEWER, "enrolled_by": [OPERATOR]}
    answer = await decide_as(governance, asked.approval_id, **descent)
    assert list(answer.approval.decider_credentials) == ["enrolment.jane", "root"]
    assert list(answer.approval.decider_enrollers) == ["operator"]
    [event] = await audited(governance, "APPROVAL_DECIDED")
    assert event.detail["decider_credentials"] == ["enrolment.jane", "root"]

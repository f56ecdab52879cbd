"""Nobody approves their own: a decision by somebody whom the asker's credential enrolled (I13)."""

from typing import Any

import pytest

from phoenix_dma.v1 import approval_pb2
from phoenix_runtime.core.errors import NotPermitted
from tests.integration.governance.conftest import REVIEWER, Governance
from tests.integration.governance.test_approvals import approval_request, audited, decision

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
    with pytest.raises(NotPermitted, match="enrolled"):
        await decide_as(governance, asked.approval_id, **descent)
    [event] = await audited(governance, "ACCESS_REFUSED")
    assert (event.reason_code, event.actor) == ("same_descent", REVIEWER)
    assert event.detail["facts"]["approval_id"] == asked.approval_id


async def test_who_was_enrolled_by_the_same_operator_decides(governance: Governance) -> None:
    asked = await ask(governance, barred_credentials=[AGENT])
    descent = {"credential": "enrolment.jane", "holder": REVIEWER, "enrolled_by": [OPERATOR]}
    answer = await decide_as(governance, asked.approval_id, **descent)
    assert list(answer.approval.decider_credentials) == ["enrolment.jane", "root"]
    assert list(answer.approval.decider_enrollers) == ["operator"]
    [event] = await audited(governance, "APPROVAL_DECIDED")
    assert event.detail["decider_credentials"] == ["enrolment.jane", "root"]

"""Certifications over gRPC: granted, revoked, listed, audited (I15)."""

import pytest

from phoenix_dma.v1 import governance_pb2
from phoenix_runtime.core.errors import (
    FieldInvalid,
    IllegalTransition,
    NotPermitted,
)
from phoenix_runtime.core.verdict import Effect
from tests.integration.governance.conftest import Governance
from tests.integration.governance.participants import (
    STEWARD,
    assign,
    audited,
    certify,
    projected,
    registered,
)
from tests.support.waiting.until import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_an_uncertified_high_risk_capability_is_matched_only_once_certified(
    governance: Governance,
) -> None:
    wanted = ("low", "reference_data_validation")
    await projected(governance, registered(governance.tenant))
    assert (await assign(governance, *wanted)).effect is Effect.DENY
    held = await certify(governance, capability="reference_data_validation")
    assert (await assign(governance, *wanted)).effect is Effect.ALLOW
    revoke = governance_pb2.RevokeCertificationRequest(
        certification_id=held.certification_id, reason="drifted"
    )
    method = governance.policies.RevokeCertification
    await governance.as_person(method, revoke, "operator")
    assert (await assign(governance, *wanted)).effect is Effect.DENY
    with pytest.raises(IllegalTransition):
        await governance.as_person(method, revoke, "operator")


async def test_certifications_are_refused_by_field_listed_and_audited(
    governance: Governance,
) -> None:
    with pytest.raises(FieldInvalid, match="did you mean duplicate_detection"):
        await certify(governance, capability="duplicate_detektion")
    with pytest.raises(FieldInvalid, match="coverage"):
        await certify(governance, coverage=1.5)
    first = await certify(governance)
    second = await certify(governance, coverage=0.8, method="test_suite")
    request = governance_pb2.ListCertificationsRequest(participant_id=STEWARD, page_size=1)
    found = []
    for _ in range(2):
        method = governance.policies.ListCertifications
        answer = await governance.as_person(method, request, "auditor")
        found += [one.certification_id for one in answer.certifications]
        request.page_token = answer.next_page_token
    assert found == [second.certification_id, first.certification_id]
    assert answer.next_page_token == ""
    await until(lambda: audited(governance, "CERTIFICATION_GRANTED", 2))


@pytest.mark.parametrize(
    ("caller", "enrolled_by"),
    [("human.a", []), ("human.b", [["root", "operator"], ["enrolment.a", "human.a"]])],
    ids=["itself", "whom it enrolled"],
)
async def test_nobody_certifies_itself_and_a_try_is_audited(
    governance: Governance, caller: str, enrolled_by: list[list[str]]
) -> None:
    request = governance_pb2.GrantCertificationRequest(participant_id="human.a", evidence="me")
    claims = {
        "sub": caller,
        "participant": caller,
        "participant_type": "human",
        "owner": "acme",
        "credential": "enrolment.x",
        "holder": caller,
        "enrolled_by": enrolled_by,
    }
    method = governance.policies.GrantCertification
    with pytest.raises(NotPermitted, match="Nobody certifies") as refused:
        await governance.as_person(method, request, "participant", "reviewer", **claims)
    assert "somebody else" in refused.value.remedy
    [event] = await until(lambda: audited(governance, "ACCESS_REFUSED", 1))
    assert (event.reason_code, event.actor) == ("credential_misused", caller)
    assert event.detail["attempted"] == "certification.grant"
    assert event.detail["facts"]["participant"] == "human.a"

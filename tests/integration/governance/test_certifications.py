"""Certifications over gRPC: granted, revoked, listed, audited (I15)."""

from typing import Any

import pytest

from phoenix_dma.v1 import governance_pb2
from phoenix_runtime.core.errors import (
    FieldInvalid,
    IllegalTransition,
    NotPermitted,
)
from phoenix_runtime.core.events import AuditEvent
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
from tests.support.builders.audit_events import audit_event
from tests.support.waiting.until import until

OWNER = "data-governance"

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
    ("caller", "kind", "holder", "enrolled_by"),
    [
        (OWNER, "human", OWNER, []),
        (OWNER, "", OWNER, []),
        ("human.b", "human", OWNER, []),
        ("human.b", "human", "human.b", [["root", "operator"], ["enrolment.o", OWNER]]),
        ("human.b", "human", "human.b", [["enrolment.o", OWNER], ["enrolment.c", "human.c"]]),
    ],
    ids=["its owner", "no participant", "by the owner's enrolment", "whom it enrolled", "further"],
)
async def test_nobody_certifies_what_they_own_and_a_try_is_audited(
    governance: Governance, caller: str, kind: str, holder: str, enrolled_by: list[list[str]]
) -> None:
    await projected(governance, registered(governance.tenant))
    person = {"participant": caller, "participant_type": kind, "owner": "acme"} if kind else {}
    descent = {"credential": "enrolment.x", "holder": holder, "enrolled_by": enrolled_by}
    request = governance_pb2.GrantCertificationRequest(
        participant_id=STEWARD, capability="duplicate_detection", evidence="mine"
    )
    method = governance.policies.GrantCertification
    roles = ["participant", "reviewer"] if kind else ["operator"]
    with pytest.raises(NotPermitted, match="Nobody certifies what") as refused:
        await governance.as_person(method, request, *roles, sub=caller, **person, **descent)
    assert "somebody else certify" in refused.value.remedy
    assert OWNER in refused.value.remedy
    [event] = await until(lambda: audited(governance, "ACCESS_REFUSED", 1))
    assert (event.reason_code, event.actor) == ("credential_misused", caller)
    facts = event.detail["facts"]
    assert (facts["participant"], facts["owner"]) == (STEWARD, OWNER)


async def test_whom_the_same_operator_enrolled_certifies(governance: Governance) -> None:
    await projected(governance, registered(governance.tenant))
    request = governance_pb2.GrantCertificationRequest(
        participant_id=STEWARD, capability="duplicate_detection", evidence="reviewed"
    )
    claims = {"sub": "human.b", "participant": "human.b", "participant_type": "human"}
    descent = {"credential": "e.b", "holder": "human.b", "enrolled_by": [["root", "operator"]]}
    method = governance.policies.GrantCertification
    answer = await governance.as_person(
        method, request, "participant", "reviewer", **claims, owner=OWNER, **descent
    )
    assert answer.certification.granted_by == "human.b"


async def test_what_an_owner_certified_before_its_participant_came_counts_for_nothing(
    governance: Governance,
) -> None:
    wanted = ("low", "reference_data_validation")
    request = governance_pb2.GrantCertificationRequest(
        participant_id=STEWARD, capability="reference_data_validation", evidence="mine"
    )
    method = governance.policies.GrantCertification
    await governance.as_person(method, request, "operator", sub=OWNER)
    await projected(governance, registered(governance.tenant))
    assert (await assign(governance, *wanted)).effect is Effect.DENY
    await certify(governance, capability="reference_data_validation")
    assert (await assign(governance, *wanted)).effect is Effect.ALLOW


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


SHARED = {"credential": "root", "holder": "operator", "enrolled_by": []}
"""The descent of everybody whom the operator's enrolment can be."""


def with_credential(tenant: str, credential: str = "root") -> AuditEvent:
    """A steward of Alice's that takes part with that enrolment."""
    descent = {"credential": credential, "holder": "operator", "enrolled_by": []}
    detail = {**registered(tenant).detail, "owner": "human.alice", "descent": descent}
    return audit_event(
        tenant, type="PARTICIPANT_REGISTERED", actor=STEWARD, participant=STEWARD, detail=detail
    )


def by_its_owner(tenant: str) -> list[AuditEvent]:
    """A steward with an enrolment of its own; its owner has a credential by the operator's."""
    owner = audit_event(
        tenant,
        type="IDENTITY_ENROLLED",
        actor="human.alice",
        participant="human.alice",
        detail={"identity": "human.alice", "enrolment_id": "root"},
    )
    return [owner, with_credential(tenant, "e.steward")]


@pytest.mark.parametrize("which", ["its credential", "its owner's"])
@pytest.mark.parametrize(
    "descent",
    [SHARED, {"credential": "e.bob", "holder": "human.bob", "enrolled_by": [["root", "operator"]]}],
    ids=["shared", "enrolled through it"],
)
async def test_people_of_one_credential_do_not_certify_for_each_other(
    governance: Governance, which: str, descent: dict[str, Any]
) -> None:
    """Alice's agent, and Bob who certifies: both names can be minted by one enrolment."""
    tenant = governance.tenant
    owners = which == "its owner's"
    for event in by_its_owner(tenant) if owners else [with_credential(tenant)]:
        await governance.append(event)
    await projected(governance, with_credential(tenant, "e.steward" if owners else "root"))
    request = governance_pb2.GrantCertificationRequest(
        participant_id=STEWARD, capability="duplicate_detection", evidence="it is good"
    )
    method = governance.policies.GrantCertification
    bob = {"sub": "human.bob", "participant": "human.bob", "participant_type": "human"}
    roles = ("participant", "reviewer")
    with pytest.raises(NotPermitted, match="by a credential of their own") as refused:
        await governance.as_person(method, request, *roles, **bob, owner="human.bob", **descent)
    assert "(root)" in refused.value.text
    assert "phoenix-dma enrol participant" in refused.value.remedy
    [event] = await until(lambda: audited(governance, "ACCESS_REFUSED", 1))
    assert (event.reason_code, event.actor) == ("same_descent", "human.bob")
    assert event.detail["attempted"] == "certification.grant"
    # Another enrolment of the same operator is somebody else: as with approvals.
    other = {"credential": "e.carol", "holder": "carol", "enrolled_by": [["key", "issuer"]]}
    answer = await governance.as_person(method, request, "operator", sub="carol", **other)
    assert answer.certification.granted_by == "carol"


async def test_what_one_credential_certified_before_its_participant_came_counts_for_nothing(
    governance: Governance,
) -> None:
    wanted = ("low", "reference_data_validation")
    request = governance_pb2.GrantCertificationRequest(
        participant_id=STEWARD, capability="reference_data_validation", evidence="it is good"
    )
    method = governance.policies.GrantCertification
    await governance.as_person(method, request, "operator", sub="human.bob", **SHARED)
    await projected(governance, with_credential(governance.tenant))
    assert (await assign(governance, *wanted)).effect is Effect.DENY
    await certify(governance, capability="reference_data_validation")
    assert (await assign(governance, *wanted)).effect is Effect.ALLOW

"""The issuer's records: an enrolment is one identity and nothing more, and says who made it."""

from typing import Any

import pytest

from phoenix_dma.v1 import governed_pb2, identity_pb2
from tests.integration.registry.conftest import STEWARD, Registry
from tests.integration.registry.test_identity import enrol, enrolment
from tests.integration.registry.test_standing import refused
from tests.support.builders.keys import bearer

JANE = "human.steward.jane"
PARTICIPANT = identity_pb2.ENROLMENT_KIND_PARTICIPANT
PERSON = identity_pb2.ENROLMENT_KIND_PERSON
SUBMITTER = identity_pb2.ENROLMENT_KIND_SUBMITTER
REVIEWER = governed_pb2.ROLE_REVIEWER
OPERATOR = governed_pb2.ROLE_OPERATOR
AUDITOR = governed_pb2.ROLE_AUDITOR
OWNER = "data-governance"


async def create(registry: Registry, by: Any = None, **fields: Any) -> Any:
    """An enrolment, ordered by the operator whose own enrolment is ``root``."""
    roles = ("operator", "reviewer", "auditor", "submitter")
    operator = registry.person(*roles, sub="operator", credential="root", holder="operator")
    request = identity_pb2.CreateEnrolmentRequest(**fields)
    return await registry.identity.CreateEnrolment(request, metadata=by or operator)


async def agent(registry: Registry, identity: str = STEWARD) -> Any:
    return await create(registry, kind=PARTICIPANT, identity=identity, owner=OWNER)


async def exchange(registry: Registry, credential: str, **fields: Any) -> str:
    request = identity_pb2.EnrolRequest(**fields)
    answer = await registry.identity.Enrol(request, metadata=bearer(credential))
    return str(answer.credential)


async def test_an_enrolment_is_that_participant_and_nothing_more(registry: Registry) -> None:
    made = await agent(registry)
    assert made.enrolment.enrolled_by[0].subject == "operator"
    token = await exchange(registry, made.credential, participant_id=STEWARD, owner=OWNER)
    answer = await registry.register(metadata_of_call=bearer(token))
    assert not answer.warnings
    for beyond in (
        {"participant_id": "agent.other", "owner": OWNER},
        {"participant_id": STEWARD, "owner": "somebody"},
        {"participant_id": STEWARD, "owner": OWNER, "participant_type": "human"},
        {"participant_id": STEWARD, "owner": OWNER, "roles": [REVIEWER]},
        {"roles": [OPERATOR]},
    ):
        found = await refused(exchange(registry, made.credential, **beyond))
        assert found.reason == "NOT_PERMITTED", beyond
    found = await refused(agent_enrols(registry, token))
    assert found.reason == "NOT_PERMITTED", "an agent's credential enrols nobody"


async def agent_enrols(registry: Registry, token: str) -> Any:
    return await create(registry, bearer(token), kind=PERSON, identity=JANE)


async def test_no_participant_but_a_person_enrols_even_as_operator(registry: Registry) -> None:
    mighty = registry.participant(STEWARD, roles=["participant", "operator", "reviewer"])
    found = await refused(create(registry, mighty, kind=PERSON, identity=JANE))
    assert found.reason == "NOT_PERMITTED"
    found = await refused(
        create(registry, kind=PARTICIPANT, identity=STEWARD, owner=OWNER, roles=[OPERATOR])
    )
    assert found.reason == "NOT_PERMITTED", "only people operate and decide"
    assert len(await registry.events("ACCESS_REFUSED")) == 2


async def test_the_first_participant_is_the_one_of_an_open_enrolment(registry: Registry) -> None:
    made = await create(registry, kind=PARTICIPANT)
    assert made.enrolment.status == identity_pb2.ENROLMENT_STATUS_OPEN
    human = {"participant_id": JANE, "owner": OWNER, "participant_type": "human"}
    assert (await refused(exchange(registry, made.credential, **human))).reason == "NOT_PERMITTED"
    wanted = {"participant_id": STEWARD, "owner": OWNER}
    assert await exchange(registry, made.credential, **wanted)
    assert await exchange(registry, made.credential, **wanted), "again the same one"
    other = {**wanted, "participant_id": "agent.other"}
    assert (await refused(exchange(registry, made.credential, **other))).reason == "NOT_PERMITTED"
    first, second = await registry.events("IDENTITY_ENROLLED")
    assert (first["new_state"], second["previous_state"]) == ("open", "open")
    assert second["detail"]["identity"] == STEWARD


async def test_a_person_is_a_reviewer_and_the_audit_warns(registry: Registry) -> None:
    made = await create(registry, kind=PERSON, identity=JANE)
    assert made.warnings, "whoever enrolled her may have kept the credential"
    token = await exchange(registry, made.credential)
    said = {"type": "human", "owner": JANE, "capabilities": [], "permissions": []}
    answer = await registry.register(JANE, metadata_of_call=bearer(token), **said)
    assert answer.participant.id == JANE
    [event] = await registry.events("IDENTITY_ENROLLED")
    assert event["detail"]["roles"] == ["reviewer"]
    assert event["detail"]["enrolled_by"] == [{"enrolment_id": "root", "subject": "operator"}]
    assert event["detail"]["warnings"]
    [registered] = await registry.events("PARTICIPANT_REGISTERED")
    assert registered["detail"]["descent"] == {
        "credential": made.enrolment.enrolment_id,
        "holder": JANE,
        "enrolled_by": event["detail"]["enrolled_by"],
    }, "her credential says whom it comes from: nobody approves their own"


async def test_enrolling_again_replaces_the_credential(registry: Registry) -> None:
    first = await create(registry, kind=PERSON, identity=JANE)
    token = await exchange(registry, first.credential)
    second = await create(registry, kind=PERSON, identity=JANE)
    assert (await refused(exchange(registry, first.credential))).reason == "NOT_PERMITTED"
    renewed = registry.identity.RenewCredential(
        identity_pb2.RenewCredentialRequest(), metadata=bearer(token)
    )
    assert (await refused(renewed)).reason == "NOT_PERMITTED"
    assert await exchange(registry, second.credential)
    [event] = await registry.events("IDENTITY_DISABLED")
    assert event["reason_code"] == "superseded"


async def test_roles_are_the_records_from_the_next_credential_on(registry: Registry) -> None:
    made = await create(registry, kind=PERSON, identity=JANE)

    async def change(**fields: Any) -> Any:
        request = identity_pb2.ChangeRolesRequest(identity=JANE, **fields)
        roles = registry.person("operator", "auditor", sub="operator")
        return await registry.identity.ChangeRoles(request, metadata=roles)

    auditor = {"roles": [AUDITOR]}
    assert (await refused(exchange(registry, made.credential, **auditor))).reason == "NOT_PERMITTED"
    await change(grant=[AUDITOR])
    [event] = await registry.events("IDENTITY_ROLES_CHANGED")
    assert event["detail"]["granted"] == ["auditor"]
    assert event["detail"]["roles"] == ["auditor", "reviewer"]
    token = await exchange(registry, made.credential, **auditor)
    request = identity_pb2.ListEnrolmentsRequest()
    listed = await registry.identity.ListEnrolments(request, metadata=bearer(token))
    assert [one.identity for one in listed.enrolments] == [JANE]
    await change(revoke=[AUDITOR])
    renewed = await registry.identity.RenewCredential(
        identity_pb2.RenewCredentialRequest(), metadata=bearer(token)
    )
    call = registry.identity.ListEnrolments(request, metadata=bearer(renewed.credential))
    assert (await refused(call)).reason == "NOT_PERMITTED"
    found = await refused(change(grant=[OPERATOR, governed_pb2.ROLE_POLICY_ADMIN]))
    assert found.reason == "NOT_PERMITTED", "nobody gives what they do not hold"


async def test_who_is_disabled_gets_no_credential_and_is_suspended(registry: Registry) -> None:
    made = await agent(registry)
    token = await exchange(registry, made.credential, participant_id=STEWARD, owner=OWNER)
    await registry.register(metadata_of_call=bearer(token))

    async def disable(by: Any) -> Any:
        request = identity_pb2.DisableIdentityRequest(identity=STEWARD, reason="it misbehaved")
        return await registry.identity.DisableIdentity(request, metadata=by)

    assert (await refused(disable(bearer(token)))).reason == "NOT_PERMITTED"
    await disable(registry.person("operator", sub="operator"))
    again = exchange(registry, made.credential, participant_id=STEWARD, owner=OWNER)
    assert (await refused(again)).reason == "NOT_PERMITTED"
    assert (await refused(enrol(registry))).reason == "NOT_PERMITTED", "nor by another enrolment"
    [event] = await registry.events("PARTICIPANT_SUSPENDED")
    assert event["detail"]["why"] == "it misbehaved"


async def test_a_disabled_identity_gets_no_role_and_its_operator_reads_how_to_enable_it(
    registry: Registry,
) -> None:
    await create(registry, kind=PERSON, identity=JANE, roles=[REVIEWER])
    operator = registry.person("operator", "auditor", sub="operator")
    disable = identity_pb2.DisableIdentityRequest(identity=JANE, reason="left")
    await registry.identity.DisableIdentity(disable, metadata=operator)
    change = identity_pb2.ChangeRolesRequest(identity=JANE, grant=[AUDITOR])
    found = await refused(registry.identity.ChangeRoles(change, metadata=operator))
    assert (found.reason, found.facts["status"]) == ("NOT_PERMITTED", "disabled")
    assert f"phoenix-dma user enable {JANE}" in found.remedy
    order = {"kind": PARTICIPANT, "identity": JANE, "owner": OWNER}
    assert "another id" in (await refused(create(registry, **order))).remedy


async def test_the_operators_own_enrolment_warns_where_it_is_used_by_a_participant(
    registry: Registry,
) -> None:
    answer = await enrol(registry, enrolment(registry, "operator", jti="root"))
    registered = await registry.register(metadata_of_call=bearer(answer.credential))
    assert "operator" in registered.warnings[0]
    [event] = await registry.events("PARTICIPANT_REGISTERED")
    assert event["detail"]["warnings"]
    assert event["detail"]["descent"]["holder"] == "operator"


async def test_the_same_order_again_is_one_enrolment(registry: Registry) -> None:
    order = {"kind": SUBMITTER, "identity": "ci.pipeline", "request_id": "r.1"}
    first, second = await create(registry, **order), await create(registry, **order)
    assert first.enrolment == second.enrolment
    assert await exchange(registry, second.credential)
    assert len(await registry.events("IDENTITY_ENROLLED")) == 1


@pytest.mark.parametrize(
    ("order", "field"),
    [
        ({"kind": 0, "identity": "x"}, "kind"),
        ({"kind": PARTICIPANT, "identity": STEWARD}, "owner"),
        ({"kind": PARTICIPANT, "owner": OWNER}, "owner"),
        ({"kind": PARTICIPANT, "identity": JANE, "owner": OWNER, "participant_type": "human"}, "p"),
        ({"kind": PERSON}, "identity"),
        ({"kind": SUBMITTER, "identity": "ci", "owner": OWNER}, "owner"),
    ],
)
async def test_an_order_that_cannot_be_is_refused_by_field(
    registry: Registry, order: dict[str, Any], field: str
) -> None:
    found = await refused(create(registry, **order))
    assert found.reason == "FIELD_INVALID"
    assert any(one.field.startswith(field) for one in found.violations)

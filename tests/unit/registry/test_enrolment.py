import pytest

from phoenix_runtime.core.errors import FieldInvalid, NotPermitted
from phoenix_runtime.core.principal import Principal, Role
from registry_svc.domain.identity.enrolment import (
    EnrolmentRequest,
    enrolled_principal,
    parse_enrolment,
)


def enroller(*patterns: str, roles: tuple[Role, ...] = (Role.OPERATOR,)) -> Principal:
    return Principal("t", "olga", frozenset(roles), may_enrol=patterns)


def wanting(participant_id: str = "agent.1", **fields: object) -> EnrolmentRequest:
    return parse_enrolment(
        EnrolmentRequest(participant_id=participant_id, owner="acme", **fields)  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("pattern", "participant_id", "covered"),
    [
        ("*", "agent.1", True),
        ("agent.*", "agent.1", True),
        ("agent.*", "service.1", False),
        ("agent.1", "agent.1", True),
        ("agent.1", "agent.10", False),
        ("agent.?", "agent.1", False),
        ("agent.[12]", "agent.1", False),
        ("*.1", "agent.1", True),
        ("", "agent.1", False),
    ],
)
def test_only_a_star_stands_for_anything(pattern: str, participant_id: str, covered: bool) -> None:  # noqa: FBT001
    if covered:
        assert (
            enrolled_principal(enroller(pattern), wanting(participant_id)).participant
            == participant_id
        )
    else:
        with pytest.raises(NotPermitted):
            enrolled_principal(enroller(pattern), wanting(participant_id))


def test_a_participant_acts_for_itself_alone() -> None:
    made = enrolled_principal(enroller("*"), wanting())
    assert made.roles == {Role.PARTICIPANT}
    assert (made.subject, made.owner, made.participant_type) == ("agent.1", "acme", "agent")
    assert made.may_enrol == ()


def test_a_participant_gets_further_roles_only_where_asked_for_and_held() -> None:
    held = enroller("*", roles=(Role.REVIEWER,))
    asked = wanting(participant_type="human", roles=(Role.REVIEWER,))
    assert enrolled_principal(held, asked).roles == {Role.PARTICIPANT, Role.REVIEWER}
    with pytest.raises(NotPermitted):
        enrolled_principal(enroller("*"), asked)


def test_a_person_gets_all_or_the_roles_asked_for() -> None:
    held = enroller(roles=(Role.OPERATOR, Role.AUDITOR))
    assert enrolled_principal(held, EnrolmentRequest()).roles == held.roles
    assert enrolled_principal(held, EnrolmentRequest(roles=(Role.AUDITOR,))).roles == {Role.AUDITOR}
    assert enrolled_principal(held, EnrolmentRequest()).participant == ""


def test_an_owner_without_a_participant_is_a_mistake() -> None:
    with pytest.raises(FieldInvalid):
        parse_enrolment(EnrolmentRequest(owner="acme"))
    with pytest.raises(FieldInvalid):
        parse_enrolment(EnrolmentRequest(participant_id="agent.1"))

"""The certification's transitions."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance_svc.domain.lifecycle import CERTIFICATIONS, CertificationStatus
from governance_svc.domain.trust.certification import (
    DEFAULT_VALIDITY,
    Certification,
    CertificationRequest,
    CertifiedParty,
    granted,
    same_hand_because,
)
from governance_svc.domain.trust.certification_events import (
    certification_of_event,
    granted_event,
    revoked_event,
)
from phoenix_runtime.core.documents import time_text
from phoenix_runtime.core.errors import IllegalTransition
from phoenix_runtime.core.principal import Descent, Enroller, Principal, Role
from tests.support.builders.audit_events import audit_event

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
OLGA = Principal(
    "t",
    "olga",
    frozenset({Role.REVIEWER}),
    descent=Descent("e.olga", "olga", (Enroller("root", "operator"),)),
)
REQUEST = CertificationRequest("agent.a", "policy_check", "human", "reviewed 200 pairs")


def certification(**fields: object) -> Certification:
    request = replace(REQUEST, **fields)  # type: ignore[arg-type]
    return granted(request, certification_id="cert.1", granted_by=OLGA, at=NOON)


def test_every_state_is_reached_and_revoked_is_the_only_end() -> None:
    reached = {transition.target for transition in CERTIFICATIONS.transitions}
    assert reached == set(CertificationStatus)
    assert CERTIFICATIONS.ends == {CertificationStatus.REVOKED}


def test_it_is_valid_for_a_year_unless_the_request_says_otherwise() -> None:
    assert certification().valid_until == NOON + DEFAULT_VALIDITY
    assert certification(valid_until=NOON + timedelta(days=1)).valid_until == NOON + timedelta(1)


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(ValueError, match="oracle"):
        certification(method="oracle")


@given(st.integers(0, 800), st.none() | st.integers(0, 800))
def test_it_holds_until_it_is_revoked_or_its_validity_ends(day: int, revoked: int | None) -> None:
    found = certification()
    if revoked is not None:
        found = found.revoked(NOON + timedelta(days=revoked))
    holds = found.holds(NOON + timedelta(days=day))
    assert holds is (revoked is None and day < DEFAULT_VALIDITY.days)
    assert found.status is (
        CertificationStatus.GRANTED if revoked is None else CertificationStatus.REVOKED
    )


@given(st.timedeltas(timedelta(0), timedelta(days=3650)))
def test_revoking_changes_the_instant_and_the_version_alone(after: timedelta) -> None:
    before = certification()
    found = before.revoked(NOON + after)
    assert replace(found, revoked_at=None, version=1) == before
    assert (found.revoked_at, found.version) == (NOON + after, 2)
    with pytest.raises(IllegalTransition):
        found.revoked(NOON + after)


def test_its_events_describe_it() -> None:
    draft = granted_event(certification())
    event = audit_event(
        "t",
        event_id="event.1",
        type=draft.type.value,
        participant=draft.participant,
        aggregate=draft.aggregate,
        detail=draft.detail,
    )
    assert certification_of_event(event) == certification().recorded("event.1")
    revoked = revoked_event(certification().revoked(NOON), "drifted")
    assert (revoked.previous_state, revoked.new_state) == ("granted", "revoked")
    assert revoked.detail["revoke_time"] == time_text(NOON)


@pytest.mark.parametrize(
    ("party", "counts"),
    [
        (CertifiedParty("agent.a"), True),
        (CertifiedParty("agent.a", "acme", ("e.a", "e.acme")), True),
        (CertifiedParty("agent.a", "olga"), False),
        (CertifiedParty("agent.a", "operator"), False),
        (CertifiedParty("agent.a", "acme", ("e.olga",)), False),
        (CertifiedParty("agent.a", "acme", ("e.a", "root")), False),
    ],
)
def test_what_one_credential_or_hand_says_of_its_own_counts_for_nothing(
    party: CertifiedParty, *, counts: bool
) -> None:
    assert certification().counts_for(party) is counts


def test_whose_credential_bars_a_certifier_is_said() -> None:
    assert same_hand_because(CertifiedParty("agent.a", "acme", ("e.a",)), OLGA) == ""
    held = same_hand_because(CertifiedParty("agent.a", "acme", ("e.olga",)), OLGA)
    assert "you hold an enrolment of olga (e.olga)" in held
    through = same_hand_because(CertifiedParty("agent.a", "acme", ("root",)), OLGA)
    assert "you were enrolled through an enrolment of operator (root)" in through


@pytest.mark.parametrize(
    ("credentials", "shared"),
    [
        ((), ""),
        (("e.peter", "root"), ""),
        (("e.olga", "root"), "e.olga"),
        (("root",), "root"),
        (("e.peter", "e.olga", "root"), "e.olga"),
    ],
    ids=["of another issuer", "siblings", "the same", "who enrolled it", "whom it enrolled"],
)
def test_two_names_may_be_one_hand(credentials: tuple[str, ...], shared: str) -> None:
    assert OLGA.descent.one_hand_with(credentials) == shared

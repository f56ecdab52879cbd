"""The transitions of the participant aggregate: which fields each of them changes."""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_runtime.core.errors import EtagMismatch, IllegalTransition
from phoenix_runtime.core.standing import Liveness, ParticipantStatus
from phoenix_runtime.core.verdict import Grants
from registry_svc.domain.declaration import Declaration
from registry_svc.domain.health import HealthState
from registry_svc.domain.lifecycle import GONE, GOVERNANCE, LIFECYCLE, OPERATOR, PARTICIPANT
from registry_svc.domain.participant import Participant, register

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(seconds=1)
DECLARATION = Declaration(id="agent.1", type="agent", owner="acme", capabilities=("merge",))
GRANTS = Grants(capabilities=frozenset({"merge"}))
Status = ParticipantStatus
COUNTERS = {"standing_revision", "version", "updated_at"}


def member(status: Status = Status.ACTIVE, reason: str = "", **changes: object) -> Participant:
    made = register(None, DECLARATION, GRANTS, actor=OPERATOR, at=NOON)
    return replace(made, status=status, status_reason=reason, **changes)  # type: ignore[arg-type]


def changed(before: Participant, after: Participant | None) -> dict[str, object]:
    """The fields that differ, without the counters; these have to be one further."""
    assert after is not None
    assert after.standing_revision == before.standing_revision + 1
    assert after.version == before.version + 1
    assert after.updated_at == LATER
    names = [field.name for field in fields(Participant) if field.name not in COUNTERS]
    found = {name: getattr(after, name) for name in names}
    return {name: value for name, value in found.items() if value != getattr(before, name)}


def test_a_first_registration_is_generation_one() -> None:
    made = register(None, DECLARATION, GRANTS, actor=PARTICIPANT, at=NOON)
    assert (made.generation, made.standing_revision, made.version) == (1, 1, 1)
    assert (made.status, made.status_reason) == (Status.REGISTERED, "")
    assert (made.created_at, made.updated_at) == (NOON, NOON)


def test_registering_again_keeps_the_identity_and_counts_a_generation() -> None:
    before = member(Status.FAILED, "participant_failed")
    other = replace(DECLARATION, capabilities=("review",))
    grants = Grants(capabilities=frozenset({"review"}))
    after = register(before, other, grants, actor=PARTICIPANT, at=LATER)
    assert changed(before, after) == {
        "declaration": other,
        "grants": grants,
        "generation": 2,
        "status": Status.REGISTERED,
        "status_reason": "",
    }
    assert after.created_at == NOON


def test_an_unleased_participant_is_active_at_once() -> None:
    human = replace(DECLARATION, type="human")
    assert human.effective_liveness is Liveness.UNLEASED
    assert register(None, human, GRANTS, actor=OPERATOR, at=NOON).status is Status.ACTIVE
    suspended = replace(member(Status.SUSPENDED), declaration=human)
    assert suspended.reinstate(at=LATER).status is Status.ACTIVE


@pytest.mark.parametrize(
    ("before", "step", "status", "reason"),
    [
        (Status.ACTIVE, lambda one: one.miss_heartbeat(at=LATER), "degraded", "heartbeat_missed"),
        (Status.ACTIVE, lambda one: one.expire_lease(at=LATER), "failed", "participant_failed"),
        (Status.DEGRADED, lambda one: one.leave(at=LATER), "failed", "participant_left"),
        (
            Status.FAILED,
            lambda one: one.suspend(actor=GOVERNANCE, at=LATER),
            "suspended",
            "participant_suspended",
        ),
    ],
)
def test_a_loss_changes_the_state_and_says_why(
    before: Status, step: Callable[[Participant], Participant], status: str, reason: str
) -> None:
    assert changed(member(before), step(member(before))) == {
        "status": Status(status),
        "status_reason": reason,
    }


@pytest.mark.parametrize(
    ("before", "state", "after"),
    [
        (Status.REGISTERED, HealthState.SERVING, Status.ACTIVE),
        (Status.DEGRADED, HealthState.SERVING, Status.ACTIVE),
        (Status.ACTIVE, HealthState.OVERLOADED, Status.DEGRADED),
        (Status.REGISTERED, HealthState.DRAINING, Status.DEGRADED),
    ],
)
def test_a_heartbeat_changes_the_state_and_forgets_the_reason(
    before: Status, state: HealthState, after: Status
) -> None:
    participant = member(before, "heartbeat_missed")
    found = changed(participant, participant.report_health(state, at=LATER))
    assert found == {"status": after, "status_reason": ""}


@pytest.mark.parametrize("status", [*sorted(GONE), Status.RETIRING])
@pytest.mark.parametrize("state", HealthState)
def test_a_heartbeat_revives_nobody(status: Status, state: HealthState) -> None:
    assert member(status).report_health(state, at=LATER) is None


def test_a_lift_of_the_suspension_forgets_the_reason() -> None:
    before = member(Status.SUSPENDED, "participant_suspended")
    found = changed(before, before.reinstate(at=LATER))
    assert found == {"status": Status.REGISTERED, "status_reason": ""}


@pytest.mark.parametrize(
    ("status", "before", "after"),
    [
        (Status.ACTIVE, "", "participant_retirement"),
        (Status.DEGRADED, "heartbeat_missed", "participant_retirement"),
        (Status.FAILED, "participant_left", "participant_left"),
        (Status.SUSPENDED, "participant_suspended", "participant_suspended"),
    ],
)
def test_a_retirement_waits_only_for_a_participant_that_is_present(
    status: Status, before: str, after: str
) -> None:
    retiring = member(status, before).begin_retirement("retire.1", at=LATER)
    assert (retiring.status, retiring.retirement_id) == (Status.RETIRING, "retire.1")
    assert retiring.status_reason == after
    assert retiring.lease_is_lost is (after != "participant_retirement")


def test_a_loss_while_retiring_changes_the_reason_alone() -> None:
    retiring = member().begin_retirement("retire.1", at=NOON)
    for after in (retiring.expire_lease(at=LATER), retiring.suspend(actor=OPERATOR, at=LATER)):
        assert set(changed(retiring, after)) == {"status_reason"}
        assert after.lease_is_lost
        assert not after.accepts_heartbeats


def test_only_the_retirement_that_began_finishes() -> None:
    retiring = member().begin_retirement("retire.1", at=NOON)
    with pytest.raises(IllegalTransition):
        retiring.finish_retirement("retire.2", at=LATER)
    retired = retiring.finish_retirement("retire.1", at=LATER)
    assert changed(retiring, retired) == {"status": Status.RETIRED}
    assert retired.begun_retirement("retire.1")
    assert retired.finished_retirement("retire.1")
    assert not retired.finished_retirement("retire.2")


def test_claims_change_without_the_state() -> None:
    before, other = member(Status.DEGRADED, "heartbeat_missed"), replace(DECLARATION, capacity=4)
    assert changed(before, before.change_grants(other, GRANTS, at=LATER)) == {"declaration": other}


def test_an_event_without_a_transition_counts_for_the_version_alone() -> None:
    before = member()
    assert before.count_event() == replace(before, version=before.version + 1)


def test_claims_change_under_the_current_etag_and_only_in_a_present_or_failed_state() -> None:
    member(Status.FAILED).require_changeable(member(Status.FAILED).etag)
    with pytest.raises(EtagMismatch):
        member().require_changeable("1.99")
    for status in (Status.SUSPENDED, Status.RETIRING, Status.RETIRED):
        with pytest.raises(IllegalTransition):
            member(status).require_changeable("")


Step = Callable[[Participant], Participant | None]
STEPS: dict[str, Step] = {
    "register": lambda one: register(one, DECLARATION, GRANTS, actor=PARTICIPANT, at=LATER),
    "serving": lambda one: one.report_health(HealthState.SERVING, at=LATER),
    "degraded": lambda one: one.report_health(HealthState.DEGRADED, at=LATER),
    "miss": lambda one: one.miss_heartbeat(at=LATER),
    "expire": lambda one: one.expire_lease(at=LATER),
    "leave": lambda one: one.leave(at=LATER),
    "suspend": lambda one: one.suspend(actor=OPERATOR, at=LATER),
    "reinstate": lambda one: one.reinstate(at=LATER),
    "begin": lambda one: one.begin_retirement("retire.1", at=LATER),
    "finish": lambda one: one.finish_retirement("retire.1", at=LATER),
}


@given(st.lists(st.sampled_from(sorted(STEPS)), max_size=30))
def test_whatever_happens_an_identity_stays_and_every_step_counts_once(names: list[str]) -> None:
    participant = register(None, DECLARATION, GRANTS, actor=PARTICIPANT, at=NOON)
    for name in names:
        before = participant
        try:
            after = STEPS[name](before)
        except IllegalTransition:
            continue
        if after is None:
            continue
        assert before.status not in LIFECYCLE.ends, "nothing follows the end"
        found = changed(before, after)
        assert found.keys() <= {"status", "status_reason", "generation", "retirement_id"}
        assert after.generation == before.generation + (name == "register")
        if before.status is Status.RETIRING:
            assert after.status in {Status.RETIRING, Status.RETIRED}
        assert after.holds_lease == (after.accepts_heartbeats and after.status not in GONE)
        participant = after

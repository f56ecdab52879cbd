import pytest

from phoenix_runtime.core.errors import IllegalTransition
from phoenix_runtime.core.standing import Liveness, ParticipantStatus
from registry_svc.domain.lifecycle import (
    ASSIGNMENT,
    GOVERNANCE,
    LEASE_WORKER,
    LIFECYCLE,
    OPERATOR,
    PARTICIPANT,
    PRESENT,
    ParticipantVerb,
    expiry_verb,
    registration_verb,
    reinstatement_verb,
)

EVERY_STATE = [None, *ParticipantStatus]


def reachable_from(state: ParticipantStatus | None) -> set[ParticipantStatus | None]:
    seen: set[ParticipantStatus | None] = {state}
    waiting = [state]
    while waiting:
        source = waiting.pop()
        for step in LIFECYCLE.transitions:
            if source in step.sources and step.target is not None and step.target not in seen:
                seen.add(step.target)
                waiting.append(step.target)
    return seen


def test_every_state_can_be_reached() -> None:
    assert reachable_from(None) == {None, *ParticipantStatus}


@pytest.mark.parametrize("state", EVERY_STATE)
def test_every_state_can_end_and_only_retired_is_an_end(state: ParticipantStatus | None) -> None:
    assert ParticipantStatus.RETIRED in reachable_from(state)
    leaves = {step.target for step in LIFECYCLE.transitions if state in step.sources}
    assert (leaves == set()) == (state is ParticipantStatus.RETIRED)


@pytest.mark.parametrize(
    ("verb", "sources", "target", "actor"),
    [
        ("register", "new registered active degraded failed", "registered", PARTICIPANT),
        ("register", "new registered active degraded failed", "registered", OPERATOR),
        ("beat_serving", "registered degraded", "active", PARTICIPANT),
        ("beat_degraded", "registered active", "degraded", PARTICIPANT),
        ("miss", "active", "degraded", LEASE_WORKER),
        ("expire_lease", "registered active degraded", "failed", LEASE_WORKER),
        ("leave", "registered active degraded", "failed", PARTICIPANT),
        ("suspend", "registered active degraded failed", "suspended", OPERATOR),
        ("suspend", "registered active degraded failed", "suspended", GOVERNANCE),
        ("reinstate", "suspended", "registered", OPERATOR),
        (
            "begin_retirement",
            "registered active degraded failed suspended",
            "retiring",
            ASSIGNMENT,
        ),
        ("finish_retirement", "retiring", "retired", ASSIGNMENT),
    ],
)
def test_a_verb_leads_from_exactly_these_states_to_that_one(
    verb: str, sources: str, target: str, actor: str
) -> None:
    allowed = {None if name == "new" else ParticipantStatus(name) for name in sources.split()}
    for state in EVERY_STATE:
        if state in allowed:
            assert LIFECYCLE.apply(state, ParticipantVerb(verb), actor) == target
        else:
            with pytest.raises(IllegalTransition):
                LIFECYCLE.apply(state, ParticipantVerb(verb), actor)


@pytest.mark.parametrize("actor", [PARTICIPANT, OPERATOR, ASSIGNMENT])
def test_only_the_lease_worker_takes_a_lease_away(actor: str) -> None:
    for state in PRESENT:
        with pytest.raises(IllegalTransition):
            LIFECYCLE.apply(state, ParticipantVerb.EXPIRE_LEASE, actor)


def test_one_that_retires_stays_retiring_when_its_lease_runs_out() -> None:
    retiring = ParticipantStatus.RETIRING
    assert LIFECYCLE.apply(retiring, expiry_verb(retiring), LEASE_WORKER) is retiring
    assert expiry_verb(ParticipantStatus.ACTIVE) == "expire_lease"


def test_the_unleased_are_active_at_once() -> None:
    verb = registration_verb(Liveness.UNLEASED)
    assert LIFECYCLE.apply(None, verb, PARTICIPANT) is ParticipantStatus.ACTIVE
    verb = reinstatement_verb(Liveness.UNLEASED)
    suspended = ParticipantStatus.SUSPENDED
    assert LIFECYCLE.apply(suspended, verb, OPERATOR) is ParticipantStatus.ACTIVE

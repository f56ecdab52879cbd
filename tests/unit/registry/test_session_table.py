import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_runtime.core.standing import ParticipantStatus
from registry_svc.domain.health import HealthReport, HealthState
from registry_svc.domain.lease import LeaseTerms
from registry_svc.domain.session import LeaseKey, LeaseLostReason, ParticipantKey, Session
from registry_svc.domain.session_table import SessionTable
from registry_svc.domain.stall_detector import StallDetector

INTERVAL = 3.0
KEY = ParticipantKey("t", "agent.1")
SERVING = HealthReport(state=HealthState.SERVING)


class Stream:
    def __init__(self) -> None:
        self.losses: list[tuple[int, LeaseLostReason]] = []

    def send_directive(self, slot: int, directive: object) -> bool:
        return True

    def revoke(self, slot: int, reason: LeaseLostReason, participant_id: str, text: str) -> None:
        self.losses.append((slot, reason))


def opened(
    sessions: SessionTable, generation: int = 1, name: str = "agent.1", now: float = 0.0
) -> Session:
    lease = LeaseKey("t", name, generation)
    return sessions.open_session(lease, ParticipantStatus.REGISTERED, leased=True, now=now)


def test_the_first_heartbeat_asks_for_active_until_it_is_committed() -> None:
    sessions = SessionTable(interval=INTERVAL)
    session = opened(sessions)
    assert sessions.take_transitions_due() == []
    sessions.record_beat(session, 1.0, SERVING)
    assert sessions.take_transitions_due() == [session]
    sessions.set_status(session, ParticipantStatus.ACTIVE)
    sessions.record_beat(session, 2.0, SERVING)
    assert sessions.take_transitions_due() == []


def test_a_heartbeat_without_a_state_counts_as_serving_until_it_says_otherwise() -> None:
    sessions = SessionTable(interval=INTERVAL)
    session = opened(sessions)
    sessions.record_beats([session], 1.0)
    assert [one.pending_verb for one in sessions.take_transitions_due()] == ["beat_serving"]
    sessions.record_beat(session, 2.0, HealthReport(state=HealthState.DRAINING))
    assert [one.pending_verb for one in sessions.take_transitions_due()] == ["beat_degraded"]
    sessions.set_status(session, ParticipantStatus.DEGRADED)
    sessions.record_beats([session], 3.0)
    assert sessions.take_transitions_due() == []


def test_a_transition_is_due_with_every_heartbeat_until_it_is_committed() -> None:
    sessions = SessionTable(interval=INTERVAL)
    session = opened(sessions)
    for moment in (1.0, 2.0):
        sessions.record_beat(session, moment, SERVING)
        assert sessions.take_transitions_due() == [session]


def test_a_beat_that_says_nothing_new_still_renews() -> None:
    sessions = SessionTable(interval=INTERVAL)
    session = opened(sessions)
    sessions.take_renewed()
    sessions.record_beats([session], 5.0)
    assert sessions.take_renewed() == [session]
    assert session.lease_from == 5.0


def test_what_could_not_be_written_is_written_the_next_time() -> None:
    sessions = SessionTable(interval=INTERVAL)
    one, other = opened(sessions), opened(sessions, name="agent.2")
    taken = sessions.take_renewed()
    sessions.record_beats([other], 2.0)
    sessions.return_renewed(taken)
    assert sessions.take_renewed() == [other, one]


def test_attaching_supersedes_the_same_and_the_older_generation() -> None:
    sessions = SessionTable(interval=INTERVAL)
    older, first, second = opened(sessions), Stream(), Stream()
    sessions.attach(older, first, 0)
    newer = opened(sessions, generation=2)
    assert first.losses == [], "registering alone takes no session away"
    sessions.attach(newer, second, 3)
    assert first.losses == [(0, LeaseLostReason.SUPERSEDED)]
    sessions.attach(newer, first, 1)
    assert second.losses == [(3, LeaseLostReason.SUPERSEDED)]


def test_an_older_generation_changes_no_state() -> None:
    sessions = SessionTable(interval=INTERVAL)
    older = opened(sessions)
    newer = opened(sessions, generation=2)
    sessions.take_renewed()
    sessions.record_beat(older, 9.0, SERVING)
    assert sessions.take_renewed() == []
    assert sessions.take_transitions_due() == []
    assert sessions.get(KEY) is newer


def test_a_closed_stream_is_suspect_unless_another_took_its_place() -> None:
    sessions = SessionTable(interval=INTERVAL)
    session, first, second = opened(sessions), Stream(), Stream()
    sessions.attach(session, first, 0)
    sessions.attach(session, second, 0)
    sessions.detach(session, first)
    assert not session.suspect
    sessions.detach(session, second)
    assert sessions.health(KEY).suspect


def test_ending_a_generation_leaves_a_newer_one_alone() -> None:
    sessions = SessionTable(interval=INTERVAL)
    older, stream = opened(sessions), Stream()
    sessions.attach(older, stream, 0)
    newer = opened(sessions, generation=2)
    sessions.end_session(older.lease, LeaseLostReason.EXPIRED, "")
    assert stream.losses == [(0, LeaseLostReason.EXPIRED)]
    assert sessions.get(KEY) is newer
    sessions.end_session(newer.lease, LeaseLostReason.EXPIRED, "")
    assert sessions.get(KEY) is None


def test_ending_a_newer_generation_ends_the_older_too() -> None:
    sessions = SessionTable(interval=INTERVAL)
    older, stream = opened(sessions), Stream()
    sessions.attach(older, stream, 0)
    newer = opened(sessions, generation=2)
    sessions.end_session(newer.lease, LeaseLostReason.SUSPENDED, "")
    assert stream.losses == [(0, LeaseLostReason.SUSPENDED)]
    assert len(sessions) == 0


def test_the_overdue_are_the_active_who_were_silent_for_longest() -> None:
    sessions = SessionTable(interval=INTERVAL)
    names = ["agent.1", "agent.2", "agent.3"]
    members = [opened(sessions, name=name) for name in names]
    for moment, session in enumerate(members):
        sessions.set_status(session, ParticipantStatus.ACTIVE)
        sessions.record_beats([session], float(moment))
    sessions.record_beats([members[0]], 10.0)
    assert sessions.overdue(2.0) == [members[1]]
    assert sessions.overdue(5.0) == [members[1], members[2]]
    sessions.set_status(members[1], ParticipantStatus.DEGRADED)
    assert sessions.overdue(5.0) == [members[2]]


def test_trust_is_remembered_of_the_absent_too_and_is_bounded() -> None:
    sessions = SessionTable(interval=INTERVAL)
    sessions.record_trust("t", [("agent.1", 0.7), ("agent.2", 0.8), ("agent.3", 0.9)], most=2)
    assert sessions.health(KEY).trust is None
    assert sessions.health(ParticipantKey("t", "agent.3")).trust == 0.9
    assert sessions.health(ParticipantKey("other", "agent.3")).trust is None


@given(st.lists(st.floats(min_value=0.0, max_value=300.0), max_size=200))
def test_no_more_beats_are_kept_than_were_due_however_fast_they_come(moments: list[float]) -> None:
    sessions = SessionTable(interval=INTERVAL)
    session = opened(sessions)
    for moment in sorted(moments):
        sessions.record_beats([session], moment)
    summary = session.summary(300.0)
    assert 0 <= summary.kept <= summary.due
    assert summary.kept == len({int(moment / INTERVAL) for moment in moments})


def test_a_tally_counts_from_the_event_that_told_of_the_last_one() -> None:
    sessions = SessionTable(interval=INTERVAL)
    session = opened(sessions)
    for moment in range(0, 30, 3):
        sessions.record_beat(session, float(moment), HealthReport(load=0.9 if moment == 3 else 0.2))
    summary = session.summary(30.0)
    assert (summary.due, summary.kept, summary.worst_load) == (10, 10, 0.9)
    session.summarised(summary, 30.0)
    sessions.record_beats([session], 33.0)
    rest = session.summary(60.0)
    assert (rest.due, rest.kept, rest.worst_load) == (10, 1, 0.2)


def test_a_gap_longer_than_the_limit_asks_for_seeding() -> None:
    stall_detector = StallDetector(limit=1.0)
    assert stall_detector.needs_seeding, "what Redis holds may be older than this process"
    stall_detector.check(0.0)
    stall_detector.seeded(0.0)
    stall_detector.check(0.9)
    assert not stall_detector.needs_seeding
    stall_detector.check(2.0)
    assert stall_detector.needs_seeding
    assert stall_detector.silence_floor == 2.0


def test_deadlines_that_could_not_be_written_are_a_gap_too() -> None:
    stall_detector = StallDetector(limit=1.0)
    stall_detector.seeded(0.0)
    stall_detector.deadlines_written(0.0)
    for moment in (0.5, 1.0):
        stall_detector.check(moment)
    assert not stall_detector.needs_seeding
    stall_detector.check(1.5)
    assert stall_detector.needs_seeding


def test_a_stall_during_the_seeding_leaves_it_to_be_done_again() -> None:
    stall_detector = StallDetector(limit=1.0)
    stall_detector.reset(5.0)
    stall_detector.seeded(4.0)
    assert stall_detector.needs_seeding
    stall_detector.seeded(5.0)
    assert not stall_detector.needs_seeding


@pytest.mark.parametrize(("interval", "margin"), [(9.5, 1.0), (0.0, 1.0), (3.0, 10.0)])
def test_terms_that_no_client_could_keep_are_refused(interval: float, margin: float) -> None:
    with pytest.raises(ValueError, match="interval"):
        LeaseTerms(ttl=10.0, interval=interval, margin=margin)

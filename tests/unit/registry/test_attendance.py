import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_runtime.core.standing import ParticipantStatus
from registry_svc.domain.attendance import Attendance
from registry_svc.domain.lease import LeaseTerms
from registry_svc.domain.presence import Key, LeaseKey, Loss, Presence
from registry_svc.domain.vigil import Vigil
from registry_svc.domain.vitals import HealthState, Report

INTERVAL = 3.0
KEY = Key("t", "agent.1")
SERVING = Report(state=HealthState.SERVING)


class Line:
    def __init__(self) -> None:
        self.losses: list[tuple[int, Loss]] = []

    def direct(self, slot: int, directive: object) -> bool:
        return True

    def lose(self, slot: int, loss: Loss, participant_id: str, text: str) -> None:
        self.losses.append((slot, loss))


def attending(
    attendance: Attendance, generation: int = 1, name: str = "agent.1", now: float = 0.0
) -> Presence:
    lease = LeaseKey("t", name, generation)
    return attendance.expect(lease, ParticipantStatus.REGISTERED, leased=True, now=now)


def test_the_first_beat_asks_to_be_active_and_is_settled_by_the_commit() -> None:
    attendance = Attendance(interval=INTERVAL)
    presence = attending(attendance)
    assert attendance.take_unsettled() == []
    attendance.beat(presence, 1.0, SERVING)
    assert attendance.take_unsettled() == [presence]
    attendance.became(presence, ParticipantStatus.ACTIVE)
    attendance.beat(presence, 2.0, SERVING)
    assert attendance.take_unsettled() == []


def test_a_beat_without_a_word_counts_as_serving_until_it_says_otherwise() -> None:
    attendance = Attendance(interval=INTERVAL)
    presence = attending(attendance)
    attendance.beat_all([presence], 1.0)
    assert [one.wanted for one in attendance.take_unsettled()] == ["beat_serving"]
    attendance.beat(presence, 2.0, Report(state=HealthState.DRAINING))
    assert [one.wanted for one in attendance.take_unsettled()] == ["beat_degraded"]
    attendance.became(presence, ParticipantStatus.DEGRADED)
    attendance.beat_all([presence], 3.0)
    assert attendance.take_unsettled() == []


def test_an_unsettled_state_comes_up_with_every_beat_until_it_is_committed() -> None:
    attendance = Attendance(interval=INTERVAL)
    presence = attending(attendance)
    for moment in (1.0, 2.0):
        attendance.beat(presence, moment, SERVING)
        assert attendance.take_unsettled() == [presence]


def test_a_beat_that_says_nothing_new_still_renews() -> None:
    attendance = Attendance(interval=INTERVAL)
    presence = attending(attendance)
    attendance.take_beaten()
    attendance.beat_all([presence], 5.0)
    assert attendance.take_beaten() == [presence]
    assert presence.lease_from == 5.0


def test_what_could_not_be_written_is_written_the_next_time() -> None:
    attendance = Attendance(interval=INTERVAL)
    one, other = attending(attendance), attending(attendance, name="agent.2")
    taken = attendance.take_beaten()
    attendance.beat_all([other], 2.0)
    attendance.put_back(taken)
    assert attendance.take_beaten() == [other, one]


def test_attaching_supersedes_the_same_and_the_older_generation() -> None:
    attendance = Attendance(interval=INTERVAL)
    older, first, second = attending(attendance), Line(), Line()
    attendance.attach(older, first, 0)
    newer = attending(attendance, generation=2)
    assert first.losses == [], "registering alone takes no session away"
    attendance.attach(newer, second, 3)
    assert first.losses == [(0, Loss.SUPERSEDED)]
    attendance.attach(newer, first, 1)
    assert second.losses == [(3, Loss.SUPERSEDED)]


def test_an_older_generation_moves_nobody() -> None:
    attendance = Attendance(interval=INTERVAL)
    older = attending(attendance)
    newer = attending(attendance, generation=2)
    attendance.take_beaten()
    attendance.beat(older, 9.0, SERVING)
    assert attendance.take_beaten() == []
    assert attendance.take_unsettled() == []
    assert attendance.get(KEY) is newer


def test_a_closed_stream_is_suspect_unless_another_took_its_place() -> None:
    attendance = Attendance(interval=INTERVAL)
    presence, first, second = attending(attendance), Line(), Line()
    attendance.attach(presence, first, 0)
    attendance.attach(presence, second, 0)
    attendance.detach(presence, first)
    assert not presence.suspect
    attendance.detach(presence, second)
    assert attendance.vitals(KEY).suspect


def test_dropping_a_generation_leaves_a_newer_one_alone() -> None:
    attendance = Attendance(interval=INTERVAL)
    older, line = attending(attendance), Line()
    attendance.attach(older, line, 0)
    newer = attending(attendance, generation=2)
    attendance.drop(older.lease, Loss.EXPIRED, "")
    assert line.losses == [(0, Loss.EXPIRED)]
    assert attendance.get(KEY) is newer
    attendance.drop(newer.lease, Loss.EXPIRED, "")
    assert attendance.get(KEY) is None


def test_dropping_a_newer_generation_takes_the_older_along() -> None:
    attendance = Attendance(interval=INTERVAL)
    older, line = attending(attendance), Line()
    attendance.attach(older, line, 0)
    newer = attending(attendance, generation=2)
    attendance.drop(newer.lease, Loss.SUSPENDED, "")
    assert line.losses == [(0, Loss.SUSPENDED)]
    assert len(attendance) == 0


def test_the_overdue_are_the_active_who_were_silent_for_longest() -> None:
    attendance = Attendance(interval=INTERVAL)
    names = ["agent.1", "agent.2", "agent.3"]
    presences = [attending(attendance, name=name) for name in names]
    for moment, presence in enumerate(presences):
        attendance.became(presence, ParticipantStatus.ACTIVE)
        attendance.beat_all([presence], float(moment))
    attendance.beat_all([presences[0]], 10.0)
    assert attendance.overdue(2.0) == [presences[1]]
    assert attendance.overdue(5.0) == [presences[1], presences[2]]
    attendance.became(presences[1], ParticipantStatus.DEGRADED)
    assert attendance.overdue(5.0) == [presences[2]]


def test_trust_is_remembered_of_the_absent_too_and_is_bounded() -> None:
    attendance = Attendance(interval=INTERVAL)
    attendance.judged("t", [("agent.1", 0.7), ("agent.2", 0.8), ("agent.3", 0.9)], most=2)
    assert attendance.vitals(KEY).trust is None
    assert attendance.vitals(Key("t", "agent.3")).trust == 0.9
    assert attendance.vitals(Key("other", "agent.3")).trust is None


@given(st.lists(st.floats(min_value=0.0, max_value=300.0), max_size=200))
def test_no_more_beats_are_kept_than_were_due_however_fast_they_come(moments: list[float]) -> None:
    attendance = Attendance(interval=INTERVAL)
    presence = attending(attendance)
    for moment in sorted(moments):
        attendance.beat_all([presence], moment)
    tally = presence.tally(300.0)
    assert 0 <= tally.kept <= tally.due
    assert tally.kept == len({int(moment / INTERVAL) for moment in moments})


def test_a_tally_counts_from_the_event_that_told_of_the_last_one() -> None:
    attendance = Attendance(interval=INTERVAL)
    presence = attending(attendance)
    for moment in range(0, 30, 3):
        attendance.beat(presence, float(moment), Report(load=0.9 if moment == 3 else 0.2))
    told = presence.tally(30.0)
    assert (told.due, told.kept, told.worst_load) == (10, 10, 0.9)
    presence.told(told, 30.0)
    attendance.beat_all([presence], 33.0)
    rest = presence.tally(60.0)
    assert (rest.due, rest.kept, rest.worst_load) == (10, 1, 0.2)


def test_a_watch_without_a_gap_blames_and_one_with_a_gap_does_not() -> None:
    vigil = Vigil(limit=1.0)
    assert vigil.needs_seeding, "what Redis holds may be older than this process"
    vigil.look(0.0)
    vigil.seeded(0.0)
    vigil.look(0.9)
    assert not vigil.needs_seeding
    vigil.look(2.0)
    assert vigil.needs_seeding
    assert vigil.floor == 2.0


def test_deadlines_that_could_not_be_written_are_a_gap_too() -> None:
    vigil = Vigil(limit=1.0)
    vigil.seeded(0.0)
    vigil.written(0.0)
    for moment in (0.5, 1.0):
        vigil.look(moment)
    assert not vigil.needs_seeding
    vigil.look(1.5)
    assert vigil.needs_seeding


def test_a_stall_during_the_seeding_leaves_it_to_be_done_again() -> None:
    vigil = Vigil(limit=1.0)
    vigil.doubt(5.0)
    vigil.seeded(4.0)
    assert vigil.needs_seeding
    vigil.seeded(5.0)
    assert not vigil.needs_seeding


@pytest.mark.parametrize(("interval", "margin"), [(9.5, 1.0), (0.0, 1.0), (3.0, 10.0)])
def test_terms_that_no_client_could_keep_are_refused(interval: float, margin: float) -> None:
    with pytest.raises(ValueError, match="interval"):
        LeaseTerms(ttl=10.0, interval=interval, margin=margin)

"""Gateways that hang take nobody's lease along; gateways that are heard excuse nobody."""

from collections.abc import Iterable

from phoenix_runtime.chassis.server import server_options
from phoenix_runtime.chassis.settings import ServerSettings
from phoenix_runtime.core.standing import ParticipantStatus
from registry_svc.domain.attendance import Attendance
from registry_svc.domain.hops import Hops
from registry_svc.domain.lease import LeaseTerms
from registry_svc.domain.presence import LeaseKey, Presence

PEER = "ipv4:10.0.0.1:4711"


class Stream:
    """A stream that carries these."""

    def __init__(self, *carried: Presence) -> None:
        self._carried = carried

    def carried(self) -> Iterable[Presence]:
        return self._carried


def hops() -> Hops:
    return Hops(patience=1.5, longest=20.0)


def presence(name: str = "agent.1") -> Presence:
    return Presence(LeaseKey("t1", name, 1), ParticipantStatus.ACTIVE, leased=True)


def test_everybody_behind_a_gateway_that_fell_silent_is_excused() -> None:
    known, one, two = hops(), presence("agent.1"), presence("agent.2")
    known.join(PEER, Stream(one), 0.0)
    known.join(PEER, Stream(two), 0.0)
    assert set(known.silenced(2.0)) == {one, two}


def test_nobody_is_excused_while_their_gateway_is_heard() -> None:
    known = hops()
    known.join(PEER, Stream(presence()), 0.0)
    known.heard(PEER, 1.0)
    assert not list(known.silenced(2.0))


def test_a_beat_of_anybody_shows_that_the_gateway_lives() -> None:
    known = hops()
    hop = known.join(PEER, Stream(presence()), 0.0)
    hop.heard = 1.0
    assert not list(known.silenced(2.0))


def test_a_gateway_that_stays_silent_excuses_nobody_for_ever() -> None:
    known = hops()
    known.join(PEER, Stream(presence()), 0.0)
    assert list(known.silenced(19.9))
    assert not list(known.silenced(20.0))


def test_who_has_left_a_gateway_is_not_excused_by_it() -> None:
    known, stream = hops(), Stream(presence())
    hop = known.join(PEER, stream, 0.0)
    known.leave(hop, stream)
    known.heard(PEER, 0.0)
    assert not list(known.silenced(2.0))


def test_a_spared_lease_runs_from_now_on_and_is_written_again() -> None:
    attendance = Attendance(interval=3.0)
    lease = LeaseKey("t1", "agent.1", 1)
    spared = attendance.expect(lease, ParticipantStatus.ACTIVE, leased=True, now=0.0)
    other = LeaseKey("t1", "agent.2", 1)
    attendance.expect(other, ParticipantStatus.ACTIVE, leased=True, now=5.0)
    attendance.take_beaten()
    attendance.spare(spared, 9.0)
    assert spared.last_beat is None
    assert attendance.take_beaten() == [spared]
    assert [one.lease for one in attendance.overdue(8.0)] == [other]


def test_the_connection_of_a_gateway_that_hangs_is_kept_for_as_long_as_it_is_excused() -> None:
    options = dict(server_options(ServerSettings.model_construct()))
    excused = LeaseTerms().hop_longest * 1000
    assert options["grpc.keepalive_timeout_ms"] > excused
    assert options["grpc.http2.ping_timeout_ms"] > excused

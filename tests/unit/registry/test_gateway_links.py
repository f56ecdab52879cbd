"""A gateway that hangs costs nobody a lease; a gateway that is alive excuses nobody."""

from collections.abc import Iterable

from phoenix_runtime.chassis.server import server_options
from phoenix_runtime.chassis.settings import ServerSettings
from phoenix_runtime.core.standing import ParticipantStatus
from registry_svc.domain.gateway_links import GatewayLinks
from registry_svc.domain.lease import LeaseTerms
from registry_svc.domain.session import LeaseKey, Session
from registry_svc.domain.session_table import SessionTable

PEER = "ipv4:10.0.0.1:4711"


class Stream:
    """A stream that carries these."""

    def __init__(self, *sessions: Session) -> None:
        self._carried = sessions

    def sessions(self) -> Iterable[Session]:
        return self._carried


def gateway_links() -> GatewayLinks:
    return GatewayLinks(silent_after=1.5, excused_for=20.0)


def session(name: str = "agent.1") -> Session:
    return Session(LeaseKey("t1", name, 1), ParticipantStatus.ACTIVE, leased=True)


def test_everybody_behind_a_gateway_that_fell_silent_is_excused() -> None:
    known, one, two = gateway_links(), session("agent.1"), session("agent.2")
    known.open(PEER, Stream(one), 0.0)
    known.open(PEER, Stream(two), 0.0)
    assert set(known.behind_silent_gateways(2.0)) == {one, two}


def test_nobody_is_excused_while_their_gateway_is_alive() -> None:
    known = gateway_links()
    known.open(PEER, Stream(session()), 0.0)
    known.record_activity(PEER, 1.0)
    assert not list(known.behind_silent_gateways(2.0))


def test_a_heartbeat_of_anybody_shows_that_the_gateway_is_alive() -> None:
    known = gateway_links()
    link = known.open(PEER, Stream(session()), 0.0)
    link.last_activity = 1.0
    assert not list(known.behind_silent_gateways(2.0))


def test_a_gateway_that_stays_silent_excuses_nobody_for_ever() -> None:
    known = gateway_links()
    known.open(PEER, Stream(session()), 0.0)
    assert list(known.behind_silent_gateways(19.9))
    assert not list(known.behind_silent_gateways(20.0))


def test_who_has_left_a_gateway_is_not_excused_by_it() -> None:
    known, stream = gateway_links(), Stream(session())
    link = known.open(PEER, stream, 0.0)
    known.close(link, stream)
    known.record_activity(PEER, 0.0)
    assert not list(known.behind_silent_gateways(2.0))


def test_an_extended_lease_runs_from_now_on_and_is_written_again() -> None:
    sessions = SessionTable(interval=3.0)
    lease = LeaseKey("t1", "agent.1", 1)
    extended = sessions.open_session(lease, ParticipantStatus.ACTIVE, leased=True, now=0.0)
    other = LeaseKey("t1", "agent.2", 1)
    sessions.open_session(other, ParticipantStatus.ACTIVE, leased=True, now=5.0)
    sessions.take_renewed()
    sessions.extend(extended, 9.0)
    assert extended.last_beat is None
    assert sessions.take_renewed() == [extended]
    assert [one.lease for one in sessions.overdue(8.0)] == [other]


def test_the_connection_of_a_gateway_that_hangs_is_kept_for_as_long_as_it_is_excused() -> None:
    options = dict(server_options(ServerSettings.model_construct()))
    excused = LeaseTerms().gateway_excused_for * 1000
    assert options["grpc.keepalive_timeout_ms"] > excused
    assert options["grpc.http2.ping_timeout_ms"] > excused

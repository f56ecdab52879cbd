"""Whoever is known to be another than before is noted, once, until it is taken."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from phoenix_runtime.core.standing import ParticipantStatus
from registry_svc.domain.health import UNKNOWN_HEALTH, Health, HealthReport
from registry_svc.domain.session import LeaseKey, LeaseLostReason, ParticipantKey, SessionStream
from registry_svc.domain.session_table import SessionTable
from tests.unit.registry.test_session_table import Stream

NAMES = ["agent.1", "agent.2", "agent.3"]
FEW = 2
"""Participants of whom something is remembered: the oldest are forgotten again and again."""

verbs = st.sampled_from(["open", "attach", "detach", "beat", "remote", "trust", "end"])
steps = st.tuples(verbs, st.sampled_from(NAMES), st.sampled_from([0.0, 0.5, 1.0]))


def ranked_by(health: Health) -> Health:
    """What the order of discovery rests on: not on the trust of the last decision, for one."""
    return replace(health, last_beat=None, state=UNKNOWN_HEALTH.state, trust=None)


def act(
    sessions: SessionTable, stream: SessionStream, verb: str, name: str, value: float, now: float
) -> None:
    key = ParticipantKey("t", name)
    session = sessions.get(key)
    if verb == "remote":
        sessions.record_remote(key, Health(last_beat=now, load=value), FEW)
    elif verb == "trust":
        sessions.record_trust("t", [(name, value)], FEW)
    elif verb == "open":
        lease = LeaseKey("t", name, session.generation + 1 if session is not None else 1)
        sessions.open_session(lease, ParticipantStatus.ACTIVE, leased=True, now=now)
    elif session is None:
        return
    elif verb == "attach":
        sessions.attach(session, stream, 0)
    elif verb == "detach":
        sessions.detach(session, stream)
    elif verb == "beat":
        sessions.record_beat(session, now, HealthReport(load=value, latency=value))
    else:
        sessions.end_session(session.lease, LeaseLostReason.EXPIRED, "a test")


@given(st.lists(steps, max_size=40), st.integers(min_value=1, max_value=5))
def test_whoever_is_known_to_be_another_than_before_is_noted(
    history: list[tuple[str, str, float]], most: int
) -> None:
    sessions, stream = SessionTable(interval=3.0), Stream()
    known = {ParticipantKey("t", name): UNKNOWN_HEALTH for name in NAMES}
    for number, (verb, name, value) in enumerate(history):
        act(sessions, stream, verb, name, value, float(number))
        if value == 0.5:
            follow(sessions, known, most)
    follow(sessions, known, most)
    assert sessions.take_moved(most) == []
    for key, health in known.items():
        assert ranked_by(sessions.health(key)) == health


def follow(sessions: SessionTable, known: dict[ParticipantKey, Health], most: int) -> None:
    """Take all that was noted, in parts."""
    while moved := sessions.take_moved(most):
        assert len(moved) <= most
        known.update({key: ranked_by(sessions.health(key)) for key in moved})

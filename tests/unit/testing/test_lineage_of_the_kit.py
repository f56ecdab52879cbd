"""What the test kit makes of a lineage that is not the expected one."""

from phoenix_dma.testing.lineage import difference, matches, relevant
from phoenix_dma.v1 import audit_pb2

TASK = "task.1"


def event(
    kind: str, participant: str = "", aggregate: str = f"task/{TASK}"
) -> audit_pb2.AuditEvent:
    return audit_pb2.AuditEvent(type=kind, participant=participant, aggregate=aggregate)


EVENTS = [event("A"), event("B", "agent.1"), event("C"), event("D")]


def test_a_story_is_all_of_the_events_in_their_order() -> None:
    assert matches(["A", "B", "C", "D"], EVENTS)
    assert not matches(["A", "B", "C"], EVENTS)
    assert not matches(["A", "C", "B", "D"], EVENTS)
    assert not matches(["A", "B", "C", "D", "E"], EVENTS)


def test_dots_stand_for_any_number_of_events() -> None:
    assert matches(["A", ..., "D"], EVENTS)
    assert matches([..., "A", "B", ..., "C", "D", ...], EVENTS)
    assert not matches(["A", ..., "B"], EVENTS)
    assert matches([...], [])
    assert not matches([], EVENTS)


def test_a_participant_may_be_named() -> None:
    assert matches(["A", ("B", "agent.1"), ...], EVENTS)
    assert not matches(["A", ("B", "agent.2"), ...], EVENTS)


def test_the_difference_has_a_line_for_each_event() -> None:
    said = difference(["A", ("B", "agent.2"), ..., "D", "E"], EVENTS)
    assert said.splitlines() == [
        "  A",
        "- B  agent.2",
        "+ B  agent.1",
        "… C",
        "  D",
        "- E",
    ]
    assert difference(["A", "X", "C", "D"], EVENTS).splitlines() == [
        "  A",
        "- X",
        "+ B  agent.1",
        "  C",
        "  D",
    ]


def test_events_of_others_count_where_they_are_named() -> None:
    asked = event("ASKED", aggregate="approval/1")
    assert relevant(TASK, [*EVENTS, asked], ["A"]) == EVENTS
    assert relevant(TASK, [*EVENTS, asked], ["A", ("ASKED", "")]) == [*EVENTS, asked]

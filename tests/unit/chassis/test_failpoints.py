"""A failpoint acts where it was asked to, at the passage that was meant, and nowhere else."""

import signal
import subprocess
import sys

import pytest

from phoenix_runtime.chassis.failpoints import POINTS, NotArmed, arm, parse, passing

PROGRAM = """
from phoenix_runtime.chassis.failpoints import arm, passing
arm({told!r}, debug={debug})
print("armed", flush=True)
passing({name!r}, *{words!r})
print("passed once", flush=True)
passing({name!r}, *{words!r})
print("passed twice", flush=True)
"""


def play(told: str, name: str, *words: str, debug: bool = True) -> tuple[int, list[str]]:
    """How a process ends that passes a point twice, and how far it came."""
    program = PROGRAM.format(told=told, name=name, words=words, debug=debug)
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    said = ended.stdout.splitlines()
    return ended.returncode, [line for line in said if line.startswith(("armed", "passed"))]


def test_a_process_dies_at_the_point_that_is_armed() -> None:
    code, said = play("unit.after_commit=kill", "unit.after_commit", "tenant.1")
    assert (code, said) == (-signal.SIGKILL, ["armed"])


def test_it_dies_at_the_passage_that_was_meant_and_not_before() -> None:
    code, said = play("unit.after_commit@tenant.1*2=kill", "unit.after_commit", "tenant.1")
    assert (code, said) == (-signal.SIGKILL, ["armed", "passed once"])


@pytest.mark.parametrize("told", ["", "unit.before_commit=kill", "unit.after_commit@other=kill"])
def test_it_lives_where_another_point_is_armed_or_none(told: str) -> None:
    code, said = play(told, "unit.after_commit", "tenant.1")
    assert (code, said) == (0, ["armed", "passed once", "passed twice"])


def test_every_word_has_to_be_known_of_the_passage() -> None:
    (point,) = parse("relay.between_delivery_and_mark@ledger@tenant.1*2=kill")
    name = "relay.between_delivery_and_mark"
    passages = [{"ledger"}, {"tenant.1", "bus"}, {"tenant.1", "ledger", "x"}]
    assert not any(point.acts(name, frozenset(known)) for known in passages)
    assert not point.acts("unit.after_commit", frozenset({"ledger", "tenant.1"}))
    assert point.acts(name, frozenset({"tenant.1", "ledger"}))
    assert not point.acts(name, frozenset({"tenant.1", "ledger"})), "it acts once"


def test_several_are_told_by_comma() -> None:
    points = parse("unit.before_commit=kill, rpc.before_reply@SubmitTask*3=hang,")
    assert [(point.name, point.left, point.action) for point in points] == [
        ("unit.before_commit", 1, signal.SIGKILL),
        ("rpc.before_reply", 3, signal.SIGSTOP),
    ]


@pytest.mark.parametrize(
    ("told", "because"),
    [
        ("unit.after_comit=kill", "There is no failpoint 'unit.after_comit'"),
        ("unit.after_commit=explode", "cannot 'explode'"),
        ("unit.after_commit", "is no failpoint"),
        ("unit.after_commit*0=kill", "is no failpoint"),
        ("unit.after_commit@=kill", "is no failpoint"),
    ],
)
def test_what_is_no_failpoint_is_refused_with_a_sentence(told: str, because: str) -> None:
    with pytest.raises(NotArmed, match=because):
        arm(told, debug=True)
    for name in POINTS:
        passing(name)  # nothing was armed, or this process would be gone


def test_outside_of_debugging_nothing_is_armed() -> None:
    with pytest.raises(NotArmed, match="PHOENIX_DMA_DEBUG=true"):
        arm("unit.after_commit=kill", debug=False)
    passing("unit.after_commit")
    arm("", debug=False)

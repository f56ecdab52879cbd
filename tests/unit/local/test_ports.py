"""Ports of a local runtime."""

from __future__ import annotations

import os
import socket
from contextlib import closing
from typing import Final

import pytest

from phoenix_runtime.local import ports

LINUX_LOWEST_OUTGOING: Final = 32_768
"""By default; a machine may be set otherwise."""
LOWEST: Final = 10_000
"""From here on no customary service is in the way."""


def test_free_ports_are_as_many_as_parts_and_never_those_of_outgoing_connections() -> None:
    chosen = ports.choose(free=True)
    assert set(chosen) == set(ports.CUSTOMARY)
    assert len(set(chosen.values())) == len(chosen)
    assert max(chosen.values()) < LINUX_LOWEST_OUTGOING


def test_a_chosen_port_that_somebody_listens_on_is_refused_by_name() -> None:
    with socket.socket() as other:
        other.bind((ports.LOOPBACK, 0))
        other.listen()
        taken = other.getsockname()[1]
        with pytest.raises(ports.PortTaken, match=f"port {taken} \\(registry\\) is taken"):
            ports.choose(chosen={"registry": taken}, free=True)


def test_where_every_free_port_is_taken_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other:
        other.bind((ports.LOOPBACK, 0))
        other.listen()
        taken = other.getsockname()[1]
        monkeypatch.setenv(ports.FREE_VARIABLE, f"{taken}-{taken}")
        monkeypatch.setattr(ports, "TRIES", 1)
        with pytest.raises(ports.PortTaken):
            ports.choose(free=True, parts=["registry"])


def test_the_environment_may_name_the_free_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    named = range(23_000, 23_100)
    monkeypatch.setenv(ports.FREE_VARIABLE, f"{named[0]}-{named[-1]}")
    assert set(ports.choose(free=True).values()) <= set(named)


@pytest.mark.parametrize(
    "named", ["a-b", "abc", "20000", "20999-20000", "0-10", "1-99999", "１-２"]
)
def test_what_is_no_range_of_ports_is_refused_with_its_form(
    monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    monkeypatch.setenv(ports.FREE_VARIABLE, named)
    with pytest.raises(ports.FreePortsInvalid, match="20000-20999"):
        ports.choose(free=True)


def test_two_runtimes_that_choose_at_the_same_moment_never_choose_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # As many ports as both need: whoever chose without regard to the other would hit upon its own.
    _name_free_ports(monkeypatch, 2 * len(ports.CUSTOMARY))
    with closing(ports.Reservation()) as one, closing(ports.Reservation()) as other:
        chosen = ports.choose(free=True, reservation=one)  # nothing listens on these yet
        others = ports.choose(free=True, reservation=other)
        assert not set(chosen.values()) & set(others.values())
        with pytest.raises(ports.PortTaken):
            ports.choose(free=True)


def test_kept_ports_are_chosen_again_and_one_that_is_taken_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # One more than there are parts: who moved to another part's port would have that one move.
    _name_free_ports(monkeypatch, len(ports.CUSTOMARY) + 1)
    kept = ports.choose(free=True)
    assert ports.choose(free=True, kept=kept) == kept
    with socket.socket() as other:
        other.bind((ports.LOOPBACK, kept["gateway"]))
        other.listen()
        chosen = ports.choose(free=True, kept=kept)
    assert chosen["gateway"] != kept["gateway"]
    assert {**chosen, "gateway": 0} == {**kept, "gateway": 0}
    (said,) = ports.moved(kept, chosen, {})
    assert said.startswith(f"port {kept['gateway']} (gateway) is taken by somebody else")
    assert str(chosen["gateway"]) in said
    assert ports.moved(kept, chosen, {"gateway": chosen["gateway"]}) == []


def _name_free_ports(monkeypatch: pytest.MonkeyPatch, length: int) -> None:
    """Name so many ports in a row that nobody has, and nobody else chooses meanwhile.

    They lie below those among which every other runtime of the machine chooses, other workers' and
    other runs' too, and begin where this process alone begins to look.
    """
    runs = range(LOWEST, ports.FREE[0] - length, length)
    begin = os.getpid() % len(runs)
    for first in (*runs[begin:], *runs[:begin]):
        if all(_is_free(port) for port in range(first, first + length)):
            monkeypatch.setenv(ports.FREE_VARIABLE, f"{first}-{first + length - 1}")
            return
    raise AssertionError("no free ports")


def _is_free(port: int) -> bool:
    try:
        ports.choose(chosen={"rest": port}, parts=["rest"])
    except ports.PortTaken:
        return False
    return True

"""Chooses a runtime's ports: the customary ones, given ones, or free ones.

A port is free only until somebody listens on it, and a part does so seconds after it was chosen, or
once more after it died. A `Reservation` keeps free ports for one runtime meanwhile: it holds the
*UDP* port of the same number, which no part uses, and which the kernel gives to one process of the
machine (of the network namespace, as the port itself) and takes back when that process is gone.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import socket
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from phoenix_runtime.local.errors import COMMAND_LINE, LocalRuntimeError

LOOPBACK: Final = "127.0.0.1"
FREE: Final = range(20_000, 32_768)
"""Below the range that kernels use for outgoing connections: one of those could take the port of a
part that does not listen yet, or is being restarted.
"""
FREE_VARIABLE: Final = "PHOENIX_DMA_FREE_PORTS"
"""Names other free ports, such as ``20000-20999``."""
FREE_FORM: Final = re.compile(r"(?P<first>[0-9]{1,5})-(?P<last>[0-9]{1,5})")
LAST_PORT: Final = 65_535
TRIES: Final = 100
SYSTEM_RANDOM: Final = random.SystemRandom()
"""Tests seed the other one: two workers then choose the same ports at the same moment."""

CUSTOMARY: Final[Mapping[str, int]] = MappingProxyType(
    {
        "gateway": 50050,
        "registry": 50051,
        "assignment": 50052,
        "state": 50053,
        "governance": 50054,
        "rest": 8080,
        "postgres": 55432,
        "valkey": 56379,
    }
)


class Reservation:
    """Free ports that no other runtime chooses until this is closed."""

    def __init__(self) -> None:
        """Reserve nothing yet."""
        self._held: list[socket.socket] = []

    def take(self, port: int) -> None:
        """Reserve one; raises OSError where it is another runtime's."""
        held = socket.socket(type=socket.SOCK_DGRAM)
        try:
            held.bind((LOOPBACK, port))
        except OSError:
            held.close()
            raise
        self._held.append(held)

    def filenos(self) -> tuple[int, ...]:
        """Descriptors for a process that shall hold it beyond this one's death."""
        return tuple(held.fileno() for held in self._held)

    def close(self) -> None:
        """Give the ports back."""
        while self._held:
            self._held.pop().close()


class FreePortsInvalid(LocalRuntimeError):
    """The environment names free ports in another form than ``20000-20999``."""

    reason = COMMAND_LINE


class PortTaken(LocalRuntimeError):
    """Another program listens on a port that the runtime needs."""

    reason = "PORT_TAKEN"


class NoSuchPart(LocalRuntimeError):
    """A port was given for a part that the runtime does not have."""

    reason = COMMAND_LINE


def choose(
    *,
    chosen: Mapping[str, int] | None = None,
    free: bool = False,
    parts: Iterable[str] = CUSTOMARY,
    kept: Mapping[str, int] | None = None,
    reservation: Reservation | None = None,
) -> dict[str, int]:
    """Return a port for each of the ``parts``: the chosen one, else the customary or a free one.

    Of the free ones those of ``kept``, an earlier choice, are preferred, and a part that has to
    move leaves them to their parts. What is taken as free goes into the ``reservation``, and
    without one is nobody's again on return. Raises `NoSuchPart`, and `PortTaken` when a port is not
    free.
    """
    wanted = dict(chosen or {})
    unknown = wanted.keys() - CUSTOMARY.keys()
    if unknown:
        text = f"--port: no such part: {', '.join(sorted(unknown))}"
        raise NoSuchPart(text, remedy=f"Name one of: {', '.join(CUSTOMARY)}.")
    needed = set(parts)
    with contextlib.ExitStack() as stack:
        if reservation is None:
            reservation = stack.enter_context(contextlib.closing(Reservation()))
        # All are held until all are chosen: the kernel would hand out the same free port twice.
        return {
            part: (
                _take_free(stack, part, reservation, kept or {})
                if free and part not in wanted
                else _take(stack, part, wanted.get(part, customary))
            )
            for part, customary in CUSTOMARY.items()
            if part in needed
        }


def moved(
    kept: Mapping[str, int], chosen: Mapping[str, int], wanted: Mapping[str, int]
) -> list[str]:
    """Return a sentence for each kept port that somebody else has, of parts not ``wanted`` else."""
    return [
        f"port {port} ({part}) is taken by somebody else: {part} listens on {chosen[part]} now"
        for part, port in kept.items()
        if part in chosen and part not in wanted and chosen[part] != port
    ]


def _take(stack: contextlib.ExitStack, part: str, port: int) -> int:
    try:
        stack.enter_context(_listener(port))
    except OSError as error:
        raise _taken(port, part) from error
    return port


def _take_free(
    stack: contextlib.ExitStack, part: str, reservation: Reservation, kept: Mapping[str, int]
) -> int:
    free = _free_range()
    tried = SYSTEM_RANDOM.sample(free, min(TRIES, len(free)))
    tried.sort(key=set(kept.values()).__contains__)
    if part in kept:
        tried.insert(0, kept[part])
    why: OSError | None = None
    for port in tried:
        try:
            stack.enter_context(_listener(port))
            reservation.take(port)
        except OSError as error:
            why = error
        else:
            return port
    raise _taken(tried[-1], part) from why


def _taken(port: int, part: str) -> PortTaken:
    return PortTaken(
        f"port {port} ({part}) is taken",
        {"port": port, "part": part},
        remedy=f"End what listens there, or use another port: `--ports free`, `--port {part}=…`.",
    )


def _free_range() -> range:
    """The ports that may be chosen; raises `FreePortsInvalid`."""
    named = os.environ.get(FREE_VARIABLE, "")
    if not named:
        return FREE
    match = FREE_FORM.fullmatch(named)
    ports = range(int(match["first"]), int(match["last"]) + 1) if match else range(0)
    if not ports or ports[0] < 1 or ports[-1] > LAST_PORT:
        raise FreePortsInvalid(
            f"{FREE_VARIABLE}={named} is no range of ports",
            {"variable": FREE_VARIABLE},
            remedy="Write it as 20000-20999, or take the variable away.",
        )
    return ports


def _listener(port: int) -> socket.socket:
    """Raises OSError where somebody listens there."""
    listener = socket.socket()
    # As the servers themselves do: connections of an earlier runtime in TIME_WAIT are no obstacle.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener

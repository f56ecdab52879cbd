"""Chooses a runtime's ports: the customary ones, given ones, or free ones."""

from __future__ import annotations

import contextlib
import os
import random
import re
import socket
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from phoenix_runtime.local.errors import LocalRuntimeError

LOOPBACK: Final = "127.0.0.1"
FREE: Final = range(20_000, 32_768)
"""Below the range that kernels use for outgoing connections: one of those could take the port of a
part that does not listen yet, or is being restarted.
"""
FREE_VARIABLE: Final = "PHOENIX_DMA_FREE_PORTS"
"""Names other free ports, such as ``20000-20999``: runtimes that start at the same moment with
ranges of their own never choose the same port."""
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


class FreePortsInvalid(LocalRuntimeError):
    """The environment names free ports in another form than ``20000-20999``."""


class PortTaken(LocalRuntimeError):
    """Another program listens on a port that the runtime needs."""


class NoSuchPart(LocalRuntimeError):
    """A port was given for a part that the runtime does not have."""


def choose(
    *,
    chosen: Mapping[str, int] | None = None,
    free: bool = False,
    parts: Iterable[str] = CUSTOMARY,
) -> dict[str, int]:
    """Return a port for each of the ``parts``: the chosen one, else the customary or a free one.

    Raises `NoSuchPart`, and `PortTaken` when a port is not free.
    """
    wanted = dict(chosen or {})
    unknown = wanted.keys() - CUSTOMARY.keys()
    if unknown:
        raise NoSuchPart(
            f"no such part: {', '.join(sorted(unknown))}; parts: {', '.join(CUSTOMARY)}"
        )
    needed = set(parts)
    with contextlib.ExitStack() as stack:
        # All are held until all are chosen: the kernel would hand out the same free port twice.
        return {
            part: _reserve(stack, part, wanted.get(part, 0 if free else customary))
            for part, customary in CUSTOMARY.items()
            if part in needed
        }


def _reserve(stack: contextlib.ExitStack, part: str, port: int) -> int:
    free = _free_range()
    tried = [port] if port else SYSTEM_RANDOM.sample(free, min(TRIES, len(free)))
    why: OSError | None = None
    for number in tried:
        try:
            stack.enter_context(_listener(number))
        except OSError as error:
            why = error
        else:
            return number
    raise PortTaken(
        f"port {tried[-1]} ({part}) is taken: `--ports free` or `--port {part}=…` uses another"
    ) from why


def _free_range() -> range:
    """The ports that may be chosen; raises `FreePortsInvalid`."""
    named = os.environ.get(FREE_VARIABLE, "")
    if not named:
        return FREE
    match = FREE_FORM.fullmatch(named)
    ports = range(int(match["first"]), int(match["last"]) + 1) if match else range(0)
    if not ports or ports[0] < 1 or ports[-1] > LAST_PORT:
        raise FreePortsInvalid(
            f"{FREE_VARIABLE}={named} is no range of ports: write it as 20000-20999"
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

"""Failpoints: named points at which a process can be made to die or to hang, to test crash windows.

Armed by ``PHOENIX_DMA_FAILPOINTS`` where ``PHOENIX_DMA_DEBUG`` is true, and never otherwise.
Several are separated by commas, each is ``name[@word…][*n]=action``:

    relay.between_delivery_and_mark@ledger=kill, unit.after_commit@SubmitTask*2=hang

Every ``@word`` has to be known of a passage for it to count: the RPC that is served, the loop or
receiver that works, the tenant, the types of the events that a unit writes. The action is taken at
the n-th passage that counts: ``kill`` is SIGKILL to the own process, ``hang`` is SIGSTOP.
"""

import os
import re
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import structlog

from phoenix_runtime.chassis.serving import serving, working

log = structlog.get_logger(__name__)

BEFORE_COMMIT: Final = "unit.before_commit"
AFTER_COMMIT: Final = "unit.after_commit"
BEFORE_REPLY: Final = "rpc.before_reply"
CONTENT_AND_POINTER: Final = "state.between_content_and_pointer"
GATE_AND_REGISTRY: Final = "retirement.between_gate_and_registry"
OFFER_AND_DIRECTIVE: Final = "handoff.between_offer_and_directive"
CLAIM_AND_COMMIT: Final = "sweep.between_claim_and_commit"
DELIVERY_AND_MARK: Final = "relay.between_delivery_and_mark"
POINTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        BEFORE_COMMIT: "what a unit of work does next commits it, and nothing of it is kept yet",
        AFTER_COMMIT: "a unit of work is committed, and nobody knows it yet",
        BEFORE_REPLY: "an answer is made, and not sent",
        CONTENT_AND_POINTER: "a checkpoint's content is kept, and nothing points to it",
        GATE_AND_REGISTRY: "a retiring gate is closed, and the registry does not know",
        OFFER_AND_DIRECTIVE: "an offer is committed, and its target was not notified",
        CLAIM_AND_COMMIT: "expired leases are claimed, and nobody is failed",
        DELIVERY_AND_MARK: "a receiver has taken rows, and they are not struck off",
    }
)
ACTIONS: Final = MappingProxyType({"kill": signal.SIGKILL, "hang": signal.SIGSTOP})
FORM: Final = re.compile(
    r"(?P<name>[a-z_.]+)(?P<words>(@[^@*=]+)*)(\*(?P<count>[1-9]\d*))?=(?P<action>\w+)"
)


class NotArmed(Exception):
    """What was asked for is no failpoint, or debugging is off; the text says which."""


@dataclass(slots=True)
class Failpoint:
    """One armed point; ``left`` counts down the passages until it acts."""

    name: str
    words: frozenset[str]
    left: int
    action: signal.Signals

    def acts(self, name: str, known: frozenset[str]) -> bool:
        """Whether it acts on this passage, of which the words ``known`` are known."""
        if self.name != name or not self.words <= known:
            return False
        self.left -= 1
        return self.left == 0


_armed: list[Failpoint] = []


def parse(specification: str) -> list[Failpoint]:
    """The failpoints that ``specification`` names; raises `NotArmed`."""
    return [_failpoint(one.strip()) for one in specification.split(",") if one.strip()]


def arm(specification: str, *, debug: bool) -> None:
    """Arm these failpoints and no others; raises `NotArmed` outside of debugging."""
    wanted = parse(specification)
    if wanted and not debug:
        raise NotArmed(
            "PHOENIX_DMA_FAILPOINTS is set: this process would die on purpose. "
            "Unset it, or set PHOENIX_DMA_DEBUG=true where that is what you want."
        )
    _armed[:] = wanted
    if wanted:
        log.warning("failpoints_armed", failpoints=specification)


def passing(name: str, *words: str) -> None:
    """Pass a point, of which ``words`` are known: a tenant, a receiver. Unarmed it is one look."""
    if _armed:
        _pass(name, words)


def _pass(name: str, words: Sequence[str]) -> None:
    now = serving.get()
    known = {*words, working.get()}
    if now.rpc is not None:
        known.add(now.rpc.method)
    if now.call is not None:
        known.add(now.call.tenant)
    for failpoint in _armed:
        if failpoint.acts(name, frozenset(known)):
            log.warning("failpoint_reached", failpoint=name, known=sorted(known))
            os.kill(os.getpid(), failpoint.action)


def _failpoint(specification: str) -> Failpoint:
    read = FORM.fullmatch(specification)
    if read is None:
        raise NotArmed(f"{specification!r} is no failpoint: name[@word][*n]=action is one")
    if read["name"] not in POINTS:
        raise NotArmed(f"There is no failpoint {read['name']!r}; there are {', '.join(POINTS)}")
    if read["action"] not in ACTIONS:
        raise NotArmed(f"A failpoint cannot {read['action']!r}; it can {' or '.join(ACTIONS)}")
    words = frozenset(word for word in read["words"].split("@") if word)
    return Failpoint(read["name"], words, int(read["count"] or 1), ACTIONS[read["action"]])

"""Streams that begin wrongly, change their identity, or carry bytes that are no message."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from google.protobuf.duration_pb2 import Duration

from phoenix_dma.v1.session_pb2 import (
    Attach,
    Beat,
    Beats,
    DirectiveAck,
    Goodbye,
    KeepAliveRequest,
    Refresh,
)
from tests.e2e.scenarios.scenario import Scenario
from tests.robustness.bad_input.cases import Refusal, names

HOLDER = "agent.holder"
NOT_PERMITTED = Refusal(reason="NOT_PERMITTED")
Messages = Callable[[Scenario], list[KeepAliveRequest | bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """What goes up, and how it ends: by a status, or for the slot alone with a LeaseLost.

    ``lost`` is the short name of the reason.
    """

    name: str
    messages: Messages
    code: str = "INVALID_ARGUMENT"
    refusal: Refusal | None = None
    lost: str = ""

    def __str__(self) -> str:
        return self.name


def attach(participant_id: str = HOLDER, generation: int = 1, credential: str = "") -> Any:
    """An Attach."""
    said = Attach(participant_id=participant_id, generation=generation, credential=credential)
    return KeepAliveRequest(attach=said)


def beats(*told: Beat, unchanged: tuple[int, ...] = ()) -> Any:
    """Beats under the first number."""
    return KeepAliveRequest(beats=Beats(seq=1, beats=told, unchanged=unchanged))


def invalid(name: str, field: str, *messages: KeepAliveRequest | bytes) -> Stream:
    """A stream that ends as invalid."""
    return Stream(name=name, messages=lambda _: list(messages), refusal=names(field))


def beginnings() -> Iterator[Stream]:
    yield invalid("a stream that begins with a beat", "slot", beats(Beat(slot=0, load=0.1)))
    yield invalid("a stream that begins with nothing new", "slot", beats(unchanged=(7,)))
    ack = KeepAliveRequest(directive_ack=DirectiveAck(directive_id="directive.1"))
    yield invalid("a stream that begins with an answer", "slot", ack)
    refresh = KeepAliveRequest(refresh=Refresh(slot=0, credential="x"))
    yield invalid("a stream that begins with a credential", "slot", refresh)
    goodbye = KeepAliveRequest(goodbye=Goodbye(slot=0))
    yield invalid("a stream that begins with its end", "slot", goodbye)
    yield invalid("a stream that begins with nothing", "message", KeepAliveRequest())
    on = [beats(unchanged=(0,))] * 500
    yield invalid("a stream that goes on after it was refused", "message", KeepAliveRequest(), *on)
    yield invalid("a stream that begins with garbage", "", b"\xff\xff\xff\xff")
    yield invalid("a stream of a message that is cut off", "", b"\x0a\x7f\x0a")
    yield invalid("an Attach of U+0000", "attach.participant_id", attach("agent\0holder"))
    yield invalid("an Attach of nobody", "attach.participant_id", attach(""))
    yield invalid("an Attach of no generation", "attach.generation", attach(generation=0))


def middles() -> Iterator[Stream]:
    for kind, load in {"nan": float("nan"), "2": 2.0, "-1": -1.0, "inf": float("inf")}.items():
        beat = beats(Beat(slot=0, load=load))
        yield invalid(f"a beat of the stream with load {kind}", "beats.load", attach(), beat)
    late = Duration()
    late.FromTimedelta(timedelta(seconds=-1))
    beat = beats(Beat(slot=0, latency=late))
    yield invalid("a beat of a negative latency", "beats.latency", attach(), beat)
    state: Any = 99
    beat = beats(Beat(slot=0, state=state))
    yield invalid("a beat of the stream in no known state", "beats.beats[0].state", attach(), beat)
    yield invalid("a beat of slot -1", "slot", attach(), beats(unchanged=(-1,)))
    yield invalid("a beat of a slot nobody has", "slot", attach(), beats(unchanged=(1,)))
    yield invalid("an empty message in the middle", "message", attach(), KeepAliveRequest())
    yield invalid("garbage in the middle", "", attach(), b"\x0b\x0b\x0b")
    large = attach(credential="x" * (10 << 20))
    yield Stream(
        name="a message of 10 MiB in the middle",
        messages=lambda _: [attach(), large],
        code="RESOURCE_EXHAUSTED",
        refusal=Refusal(reason="TOO_LARGE"),
    )


def others() -> Iterator[Stream]:
    """Another participant's identity, which ends the stream."""

    def refused(name: str, messages: Messages) -> Stream:
        return Stream(name=name, messages=messages, code="PERMISSION_DENIED", refusal=NOT_PERMITTED)

    yield refused("an Attach of somebody else", lambda _: [attach("agent.other")])
    yield refused(
        "a stream that changes who it is",
        lambda _: [attach(), beats(unchanged=(0,)), attach("agent.other")],
    )
    yield refused(
        "an Attach with a credential of another tenant",
        lambda scenario: [
            attach(credential=scenario.participant_token(HOLDER, tenant="tenant.elsewhere"))
        ],
    )
    yield refused(
        "a slot that goes on with the credential of another",
        lambda scenario: [
            attach(),
            KeepAliveRequest(
                refresh=Refresh(slot=0, credential=scenario.participant_token("agent.other"))
            ),
        ],
    )


def losses() -> Iterator[Stream]:
    """Mistakes that end the slot and not the stream."""

    def lost(name: str, reason: str, messages: Messages) -> Stream:
        return Stream(name=name, messages=messages, lost=reason)

    yield lost("an Attach of a look-alike", "unknown", lambda _: [attach("\u0430gent.holder")])
    yield lost("an Attach in the style of SQL", "unknown", lambda _: [attach("x' OR 1=1 --")])
    yield lost("an Attach of a generation to come", "unknown", lambda _: [attach(generation=99)])
    yield lost("an Attach of generation -1", "superseded", lambda _: [attach(generation=-1)])
    yield lost("an Attach with no credential", "credential", lambda _: [attach(credential="x")])
    yield lost(
        "an Attach with the credential of another",
        "credential",
        lambda scenario: [attach(credential=scenario.participant_token("agent.other"))],
    )
    yield lost(
        "a slot that goes on with no credential",
        "credential",
        lambda _: [attach(), KeepAliveRequest(refresh=Refresh(slot=0, credential="a.b.c"))],
    )


CASES: list[Stream] = [*beginnings(), *middles(), *others(), *losses()]

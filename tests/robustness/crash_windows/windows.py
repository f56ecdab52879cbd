"""Where a service dies: the windows of a case, one after the other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import Message

from phoenix_dma.aio.runtime_api import RuntimeApi
from phoenix_dma.errors import PhoenixError
from phoenix_runtime.chassis.failpoints import AFTER_COMMIT, BEFORE_COMMIT, BEFORE_REPLY
from tests.e2e.scenarios.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Window:
    """A point, and the ``words`` of the passage that kills.

    ``told`` is true where whoever asked hears at once that the answer is lost; else the service
    dies on its own time, before or after it has answered. In a ``quiet`` window nobody asks: the
    runtime itself goes on until it dies.
    """

    point: str
    words: tuple[str, ...] = ()
    told: bool = True
    quiet: bool = False

    def armed(self, tenant: str) -> str:
        """The failpoint, for what happens in that tenant alone."""
        words = "".join(f"@{word}" for word in (*self.words, tenant))
        return f"{self.point}{words}=kill"

    def __str__(self) -> str:
        """As a reader of a failure wants it."""
        return "@".join((self.point, *self.words))


def unit(*words: str, told: bool = True, quiet: bool = False) -> tuple[Window, ...]:
    """Before and after the commit of one unit of work."""
    points = (BEFORE_COMMIT, AFTER_COMMIT)
    return tuple(Window(point, words, told=told, quiet=quiet) for point in points)


def verb(rpc: str, units: int = 1, *, told: bool = True) -> tuple[Window, ...]:
    """The windows of an RPC: each of its units, then the answer.

    What was committed is found done by the next try, so that its first unit is the one after.
    """
    return (*unit(rpc, told=told) * units, Window(BEFORE_REPLY, (rpc,), told=told))


@dataclass(frozen=True, slots=True)
class Operation:
    """What is asked, and what has to come of it.

    ``act`` asks once and without patience, ``again`` asks the same as often as it takes.
    ``events`` is how often each type of audit event may be there in the end. ``finish`` takes the
    answer and completes the case. Where the answer is not ``remembered``, asking again is
    another operation.
    """

    act: Callable[[], Awaitable[Any]]
    again: Callable[[], Awaitable[Any]]
    events: Mapping[str, int]
    finish: Callable[[Any], Awaitable[None]]
    remembered: bool = True


@dataclass(frozen=True, slots=True)
class CrashCase:
    """A operation, the part of the runtime that dies, and in which windows, in this order.

    ``late``: nothing may be armed before everybody is in place, since the window's point is passed
    by what puts them there.
    """

    name: str
    part: str
    windows: Sequence[Window]
    prepare: Callable[[Scenario], Awaitable[Operation]]
    late: bool = False
    tenant: str = field(default="", compare=False)

    @property
    def id(self) -> str:
        """Its name in the list of tests."""
        return f"{self.part}-{self.name}"


def request(
    api: RuntimeApi,
    method: Any,
    message: Message,
    events: Mapping[str, int],
    finish: Callable[[Any], Awaitable[None]],
) -> Operation:
    """The operation that is one request, each time with the same id."""
    ask = api.transport.ask

    async def act() -> Any:
        return await ask(method, message, api._credential, patience=0.0)

    async def again() -> Any:
        return await ask(method, message, api._credential)

    return Operation(act, again, events, finish)


async def refused_or(operation: Awaitable[Any], refusal: type[PhoenixError]) -> Any:
    """The answer, or the refusal where it is the one that is an answer here."""
    try:
        return await operation
    except refusal as answer:
        return answer

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
    """A failpoint, and the ``words`` that a passage must have for it to kill.

    ``told`` is true where the caller learns at once that the answer is lost; otherwise the service
    dies on its own time, before or after it has answered. In a ``quiet`` window nobody calls: a
    background worker passes the point.
    """

    point: str
    words: tuple[str, ...] = ()
    told: bool = True
    quiet: bool = False

    def armed(self, tenant: str) -> str:
        """The failpoint for this tenant alone."""
        words = "".join(f"@{word}" for word in (*self.words, tenant))
        return f"{self.point}{words}=kill"

    def __str__(self) -> str:
        """The failpoint and its words, for messages."""
        return "@".join((self.point, *self.words))


def unit(*words: str, told: bool = True, quiet: bool = False) -> tuple[Window, ...]:
    """Before and after the commit of one unit of work."""
    points = (BEFORE_COMMIT, AFTER_COMMIT)
    return tuple(Window(point, words, told=told, quiet=quiet) for point in points)


def verb(rpc: str, units: int = 1, *, told: bool = True) -> tuple[Window, ...]:
    """The windows of an RPC: its units of work, then its reply.

    The next try finds done what was committed, so that its first unit of work is the one after.
    """
    return (*unit(rpc, told=told) * units, Window(BEFORE_REPLY, (rpc,), told=told))


@dataclass(frozen=True, slots=True)
class Operation:
    """What is called, and what has to come of it.

    ``act`` calls once, ``again`` repeats the same call until it is answered. ``events`` is how many
    events of each type there may be in the end. ``finish`` takes the answer and completes the case.
    Where the answer is not ``remembered``, a repetition is another operation.
    """

    act: Callable[[], Awaitable[Any]]
    again: Callable[[], Awaitable[Any]]
    events: Mapping[str, int]
    finish: Callable[[Any], Awaitable[None]]
    remembered: bool = True


@dataclass(frozen=True, slots=True)
class CrashCase:
    """An operation, the part of the runtime that dies, and its windows in order.

    ``late``: the windows are armed only after the preparation, which passes their points itself.
    """

    name: str
    part: str
    windows: Sequence[Window]
    prepare: Callable[[Scenario], Awaitable[Operation]]
    late: bool = False
    tenant: str = field(default="", compare=False)

    @property
    def id(self) -> str:
        """The id of the test."""
        return f"{self.part}-{self.name}"


def request(
    api: RuntimeApi,
    method: Any,
    message: Message,
    events: Mapping[str, int],
    finish: Callable[[Any], Awaitable[None]],
) -> Operation:
    """An operation that is one request, always under the same id."""
    ask = api.transport.ask

    async def act() -> Any:
        return await ask(method, message, api._credential, patience=0.0)

    async def again() -> Any:
        return await ask(method, message, api._credential)

    return Operation(act, again, events, finish)


async def refused_or(operation: Awaitable[Any], refusal: type[PhoenixError]) -> Any:
    """The answer, or the refusal where that is the expected answer."""
    try:
        return await operation
    except refusal as answer:
        return answer

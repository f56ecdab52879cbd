"""What the chain of interceptors is made of: stages around a call, entered one after the other."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, TypeAlias

from grpc.aio import ServicerContext

from phoenix_runtime.chassis.schema import Rpc

Inside: TypeAlias = AbstractContextManager[None] | AbstractAsyncContextManager[None]


@dataclass(frozen=True, slots=True)
class Arrival:
    """A call that arrived: its path, its RPC in the schema, and gRPC's own context.

    ``rpc`` is None for what is not ours: health, reflection.
    """

    path: str
    rpc: Rpc | None
    context: ServicerContext[Any, Any]


class Stage(Protocol):
    """One step around every call."""

    def around(self, arrival: Arrival) -> Inside | None:
        """Entered before the call is served, left after; may raise a refusal, now or on entering.

        None where all of it is done: a stream that lives for days keeps what it has entered. A
        stage that waits for nothing is no asynchronous one. None of them hides an error.
        """
        ...


class Entered(AbstractAsyncContextManager[None]):
    """Enters the stages around one call in order, and leaves them in reverse.

    `contextlib.AsyncExitStack` does the same and more, and takes three times as long; every call
    passes here.
    """

    __slots__ = ("_arrival", "_inside", "_stages")

    def __init__(self, stages: Sequence[Stage], arrival: Arrival) -> None:
        self._stages = stages
        self._arrival = arrival
        self._inside: list[Inside] = []

    async def __aenter__(self) -> None:
        """Enter each; those that were entered are left where one refuses."""
        try:
            for stage in self._stages:
                inside = stage.around(self._arrival)
                if inside is None:
                    continue
                if isinstance(inside, AbstractAsyncContextManager):
                    await inside.__aenter__()
                else:
                    inside.__enter__()
                self._inside.append(inside)
        except BaseException as error:
            await self._leave(error)
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave each; raises what a stage makes of the error."""
        await self._leave(error)

    async def _leave(self, error: BaseException | None) -> None:
        last = error
        while self._inside:
            inside = self._inside.pop()
            how = (None, None, None) if last is None else (type(last), last, last.__traceback__)
            try:
                if isinstance(inside, AbstractAsyncContextManager):
                    await inside.__aexit__(*how)
                else:
                    inside.__exit__(*how)
            except BaseException as other:  # noqa: BLE001  # the stages outside of it see it next
                last = other
        if last is not error and last is not None:
            raise last

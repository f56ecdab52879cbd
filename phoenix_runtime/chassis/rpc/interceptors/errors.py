"""Refusals become rich statuses; anything else becomes INTERNAL with an id, and no internals.

What is no refusal, but passes by itself, is UNAVAILABLE (`broken_off`).
"""

from contextlib import AbstractAsyncContextManager
from types import TracebackType

import structlog
from grpc.aio import AbortError, AioRpcError

from phoenix_runtime.chassis.rpc.broken_off import broken_off
from phoenix_runtime.chassis.rpc.interceptors.stages import Arrival
from phoenix_runtime.chassis.rpc.statuses import code_of, metadata_of, refusal_of, text_of
from phoenix_runtime.core.errors import Refused
from phoenix_runtime.core.ids import NewId

log = structlog.get_logger(__name__)


class ErrorStage:
    """Maps what a servicer raises to what a caller sees."""

    def __init__(self, new_id: NewId) -> None:
        self._new_id = new_id

    def around(self, arrival: Arrival) -> "_Answered":
        """Abort the call with the status of whatever is raised inside."""
        return _Answered(self, arrival)

    async def answer(self, arrival: Arrival, error: BaseException) -> None:
        """Abort the call with the status of ``error``; what is none of ours goes on."""
        if isinstance(error, AbortError):
            return  # an answer already
        if isinstance(error, Refused):
            await self._abort(arrival, error)
        elif isinstance(error, AioRpcError):
            await self._abort(arrival, refusal_of(error))
        elif (passing := broken_off(error)) is not None:
            log.warning("call_broken_off", rpc=arrival.path, exc_info=error)
            await self._abort(arrival, passing)
        elif isinstance(error, Exception):
            await self._abort(arrival, self._unexpected(arrival, error))

    async def _abort(self, arrival: Arrival, refused: Refused) -> None:
        details = metadata_of(refused)
        kept = arrival.context.trailing_metadata() or ()
        await arrival.context.abort(code_of(refused), text_of(refused), (*kept, *details))

    def _unexpected(self, arrival: Arrival, error: Exception) -> Refused:
        error_id = self._new_id("error")
        log.error("call_failed", rpc=arrival.path, error_id=error_id, exc_info=error)
        refused = Refused(f"Something went wrong on our side ({error_id})", {"error_id": error_id})
        refused.remedy = "Report the error id; the log has it too."
        return refused


class _Answered(AbstractAsyncContextManager[None]):
    """One call whose errors are answered."""

    __slots__ = ("_arrival", "_stage")

    def __init__(self, stage: ErrorStage, arrival: Arrival) -> None:
        self._stage = stage
        self._arrival = arrival

    async def __aenter__(self) -> None:
        """Nothing is to be done before."""

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Answer ``error``."""
        if error is not None:
            await self._stage.answer(self._arrival, error)

"""Refusals become rich statuses; anything else becomes INTERNAL with an id, and no internals."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from grpc.aio import AbortError, AioRpcError

from phoenix_runtime.chassis.rpc.interceptors.chain import Arrival
from phoenix_runtime.chassis.rpc.statuses import code_of, metadata_of, refusal_of, text_of
from phoenix_runtime.core.errors import Refused
from phoenix_runtime.core.ids import NewId

log = structlog.get_logger(__name__)


class ErrorStage:
    """Maps what a servicer raises to what a caller sees."""

    def __init__(self, new_id: NewId) -> None:
        self._new_id = new_id

    @asynccontextmanager
    async def around(self, arrival: Arrival) -> AsyncIterator[None]:
        """Abort the call with the status of whatever was raised inside."""
        try:
            yield
        except (AbortError, asyncio.CancelledError, GeneratorExit):
            raise  # an abort is an answer already; a cancelled call needs none
        except Refused as refused:
            await self._abort(arrival, refused)
        except AioRpcError as error:
            await self._abort(arrival, refusal_of(error))
        except Exception as error:  # noqa: BLE001  # logged, and answered as INTERNAL
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

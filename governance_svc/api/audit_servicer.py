"""Serves AuditService: converts between messages and the use cases, and decides nothing."""

from dataclasses import dataclass
from typing import Any

from grpc.aio import ServicerContext

from governance_svc.api.convert_audit import (
    appended_to_pb,
    entries_to_pb,
    events_from_pb,
    filter_from_pb,
    lineage_to_pb,
)
from governance_svc.domain.ledger.entries import Appended, AuditFilter, Entry
from governance_svc.usecases.ledger.append_audit_events import AppendAuditEvents
from governance_svc.usecases.ledger.get_lineage import GetLineage
from governance_svc.usecases.ledger.list_audit_events import ListAuditEvents
from phoenix_dma.v1 import audit_pb2, audit_pb2_grpc
from phoenix_runtime.chassis.rpc.conversions import page_from_pb
from phoenix_runtime.chassis.rpc.handler import RpcHandler
from phoenix_runtime.core.json import Json
from phoenix_runtime.core.pages import Page
from phoenix_runtime.core.principal import Call


@dataclass(frozen=True, slots=True)
class AuditUseCases:
    """The use cases behind the servicer."""

    append: AppendAuditEvents
    list: ListAuditEvents
    lineage: GetLineage


class AuditServicer(audit_pb2_grpc.AuditServiceServicer):
    """The three RPCs. Appending needs no request id, because an event has an id of its own."""

    def __init__(self, handler: RpcHandler, use_cases: AuditUseCases) -> None:
        self._handler = handler
        self._use_cases = use_cases

    async def AppendAuditEvents(  # noqa: N802  # the schema's name
        self, request: audit_pb2.AppendAuditEventsRequest, context: ServicerContext[Any, Any]
    ) -> audit_pb2.AppendAuditEventsResponse:
        """Appends events that services have committed."""

        async def run(call: Call) -> Appended:
            return await self._use_cases.append(call, await events_from_pb(request))

        return await self._handler.read(run=run, answer=appended_to_pb)

    async def ListAuditEvents(  # noqa: N802  # the schema's name
        self, request: audit_pb2.ListAuditEventsRequest, context: ServicerContext[Any, Any]
    ) -> audit_pb2.ListAuditEventsResponse:
        """Lists events by filter, in the order of the ledger."""

        async def run(call: Call) -> Page[Entry]:
            wanted = filter_from_pb(request)
            filters = wanted.document() | _place(wanted)
            return await self._use_cases.list(call, wanted, page_from_pb(request, filters))

        return await self._handler.read(run=run, answer=entries_to_pb)

    async def GetLineage(  # noqa: N802  # the schema's name
        self, request: audit_pb2.GetLineageRequest, context: ServicerContext[Any, Any]
    ) -> audit_pb2.GetLineageResponse:
        """Reads the lineage of a task with its children."""
        return await self._handler.read(
            run=lambda call: self._use_cases.lineage(
                call,
                request.task_id,
                request.page_size,
                request.page_token,
                epoch=request.epoch,
            ),
            answer=lineage_to_pb,
        )


def _place(wanted: AuditFilter) -> dict[str, Json]:
    """What a page token is bound to besides the filter; nothing for a list from the beginning."""
    newest: dict[str, Json] = {"order": "newest"} if wanted.newest_first else {}
    after: dict[str, Json] = {"after": wanted.after_sequence} if wanted.after_sequence else {}
    return newest | after

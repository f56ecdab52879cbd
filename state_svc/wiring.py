"""Builds the state service; nothing else makes its objects."""

import grpc.aio

from phoenix_dma.v1 import state_pb2_grpc
from phoenix_runtime.chassis.data.access_log import OutboxAccessLog
from phoenix_runtime.chassis.data.unit import Unit
from phoenix_runtime.chassis.delivery.bus import Bus
from phoenix_runtime.chassis.delivery.receivers import GrpcLedger
from phoenix_runtime.chassis.delivery.relay import Relay
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.chassis.resources import ServiceResources, open_resources
from phoenix_runtime.chassis.server import Service
from state_svc.adapters.assignment import AssignmentClient
from state_svc.api.servicer import StateServicer, Verbs
from state_svc.domain.reference import ReferencePlaces
from state_svc.settings import StateSettings
from state_svc.store.contents import StoredContents
from state_svc.store.references import StoredReferences
from state_svc.store.tables import metadata
from state_svc.usecases.checkpoint import CheckpointContext, CheckpointLimits
from state_svc.usecases.get_context import GetContext
from state_svc.usecases.list_checkpoints import ListCheckpoints
from state_svc.usecases.recorded import RecordedContexts
from state_svc.usecases.verify_checkpoint import VerifyCheckpoint

NAME = "state"
PROTO = "phoenix_dma.v1.StateService"


async def build(settings: StateSettings | None = None) -> Service:
    """The service, migrated and ready to listen."""
    told = settings or StateSettings()
    foundation = await open_resources(NAME, told, metadata)
    servicer = StateServicer(foundation.handler(), _verbs(foundation, told))
    ledger = GrpcLedger(foundation.channels, NAME)
    relay = Relay(
        foundation.worker_database, foundation.outbox, ledger=ledger, news=Bus(foundation.redis)
    )

    def register(server: grpc.aio.Server) -> None:
        state_pb2_grpc.add_StateServiceServicer_to_server(servicer, server)

    return Service(
        name=NAME,
        settings=told,
        names=[PROTO],
        register=register,
        clock=foundation.clock,
        running=[relay],
        close=[foundation.close],
    )


def _verbs(foundation: ServiceResources, told: StateSettings) -> Verbs:
    """The use cases over their ports."""
    assignment = AssignmentClient(foundation.channels)
    contents = StoredContents(foundation.database)
    references = StoredReferences(foundation.database)
    access_log = OutboxAccessLog(foundation.units(Unit), clock=foundation.clock, new_id=new_id)
    limits = CheckpointLimits(ReferencePlaces(told.references), told.context_max_bytes)
    recorded = RecordedContexts(assignment, contents, references)
    return Verbs(
        checkpoint=CheckpointContext(assignment, contents, references, access_log, limits),
        get=GetContext(recorded),
        list=ListCheckpoints(assignment),
        verify=VerifyCheckpoint(recorded),
    )

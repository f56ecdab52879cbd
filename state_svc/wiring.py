"""Builds the state service out of its settings."""

import grpc.aio

from phoenix_dma.v1 import state_pb2_grpc
from phoenix_runtime.chassis.data.access_log import OutboxAccessLog
from phoenix_runtime.chassis.delivery.bus import Bus
from phoenix_runtime.chassis.delivery.receivers import GrpcLedger
from phoenix_runtime.chassis.delivery.relay import Relay
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.chassis.resources import ServiceResources, open_resources
from phoenix_runtime.chassis.server import Service
from state_svc.adapters.assignment import GrpcAssignment
from state_svc.api.servicer import StateServicer, UseCases
from state_svc.domain.reference import ReferencePlaces
from state_svc.settings import StateSettings
from state_svc.store.tables import metadata
from state_svc.store.unit import StateUnits
from state_svc.usecases.checkpoint import CheckpointContext, CheckpointLimits
from state_svc.usecases.get_context import GetContext
from state_svc.usecases.list_checkpoints import ListCheckpoints
from state_svc.usecases.recorded import RecordedContexts
from state_svc.usecases.verify_checkpoint import VerifyCheckpoint

NAME = "state"
PROTO = "phoenix_dma.v1.StateService"


async def build(settings: StateSettings | None = None) -> Service:
    """The service, migrated and ready to listen."""
    chosen = settings or StateSettings()
    resources = await open_resources(NAME, chosen, metadata)
    servicer = StateServicer(resources.handler(), _use_cases(resources, chosen))
    ledger = GrpcLedger(resources.channels, NAME)
    relay = Relay(
        resources.worker_database, resources.outbox, ledger=ledger, publisher=Bus(resources.redis)
    )

    def register(server: grpc.aio.Server) -> None:
        state_pb2_grpc.add_StateServiceServicer_to_server(servicer, server)

    return Service(
        name=NAME,
        settings=chosen,
        names=[PROTO],
        register=register,
        clock=resources.clock,
        running=[relay],
        close=[resources.close],
    )


def _use_cases(resources: ServiceResources, chosen: StateSettings) -> UseCases:
    """The use cases over their ports."""
    assignment = GrpcAssignment(resources.channels)
    units = StateUnits(resources.database, resources.outbox)
    access_log = OutboxAccessLog(units, clock=resources.clock, new_id=new_id)
    limits = CheckpointLimits(ReferencePlaces(chosen.references), chosen.context_max_bytes)
    recorded = RecordedContexts(assignment, units)
    return UseCases(
        checkpoint=CheckpointContext(assignment, units, access_log, limits),
        get=GetContext(recorded),
        list=ListCheckpoints(assignment),
        verify=VerifyCheckpoint(recorded),
    )

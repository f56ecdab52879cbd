"""Builds assignment; nothing else makes its objects."""

from dataclasses import dataclass

import grpc.aio

from assignment_svc.adapters.approvals import GrpcApprovals
from assignment_svc.adapters.registry import GrpcRegistry
from assignment_svc.api.handoff_servicer import HandoffServicer, HandoffVerbs
from assignment_svc.api.task_servicer import TaskServicer, TaskVerbs
from assignment_svc.domain.ports import Approvals, Registry
from assignment_svc.settings import AssignmentSettings
from assignment_svc.store.claims import WorkerClaims
from assignment_svc.store.tables import metadata
from assignment_svc.store.unit import AssignmentUnits
from assignment_svc.usecases.abort_handoff import AbortHandoff
from assignment_svc.usecases.advance_handoff import AdvanceHandoff
from assignment_svc.usecases.advance_retirement import AdvanceRetirement
from assignment_svc.usecases.assign_now import AssignNow
from assignment_svc.usecases.authorize_action import AuthorizeAction
from assignment_svc.usecases.cancel_task import CancelTask
from assignment_svc.usecases.complete_handoff import CompleteHandoff
from assignment_svc.usecases.complete_task import CompleteTask
from assignment_svc.usecases.decline_handoff import DeclineHandoff
from assignment_svc.usecases.decline_task import DeclineTask
from assignment_svc.usecases.explain_assignment import ExplainAssignment
from assignment_svc.usecases.fail_task import FailTask
from assignment_svc.usecases.follow_approval import FollowApproval
from assignment_svc.usecases.initiate_handoff import InitiateHandoff
from assignment_svc.usecases.ports import Ports
from assignment_svc.usecases.read_contexts import ListContextPointers, ResolveContext
from assignment_svc.usecases.read_handoffs import GetHandoff, ListHandoffs
from assignment_svc.usecases.read_retirements import GetRetirement, ListRetirements
from assignment_svc.usecases.read_tasks import GetTask, ListTasks
from assignment_svc.usecases.reconcile import Hasten, Reconcile
from assignment_svc.usecases.record_checkpoint import RecordCheckpoint
from assignment_svc.usecases.resume_tasks import ResumeTasks
from assignment_svc.usecases.retire_participant import RetireParticipant
from assignment_svc.usecases.start_task import StartTask
from assignment_svc.usecases.submit_task import SubmitTask
from assignment_svc.usecases.tend_task import TendTask
from assignment_svc.workers.background import Workers, WorkerUseCases
from assignment_svc.workers.bus_events import Answers, Listener
from phoenix_dma.v1 import assignment_pb2_grpc, handoff_pb2_grpc
from phoenix_runtime.chassis.data.access_log import OutboxAccessLog
from phoenix_runtime.chassis.data.unit import Unit
from phoenix_runtime.chassis.delivery.bus import Bus, BusReader
from phoenix_runtime.chassis.delivery.receivers import GrpcDirectiveSender, GrpcLedger
from phoenix_runtime.chassis.delivery.relay import Relay
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.chassis.resources import ServiceResources, open_resources
from phoenix_runtime.chassis.rpc.channels import service_call
from phoenix_runtime.chassis.server import Service
from phoenix_runtime.core.ports import Policy
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.wakeup import WakeUp

NAME = "assignment"
PROTOS = ("phoenix_dma.v1.AssignmentService", "phoenix_dma.v1.HandoffService")


@dataclass(frozen=True, slots=True, kw_only=True)
class Peers:
    """The services below this one in the chain; real ones where not given."""

    registry: Registry | None = None
    approvals: Approvals | None = None
    policy: Policy | None = None


async def build(
    settings: AssignmentSettings | None = None, *, peers: Peers | None = None
) -> Service:
    """Assignment, migrated and ready to listen."""
    told = settings or AssignmentSettings()
    base = await open_resources(NAME, told, metadata)
    ports = _ports(base, told, peers or Peers())
    shift = _night_shift(base, told, ports)
    ports.wake_up.subscribe(shift.wake)
    ports.wake_tasks.subscribe(shift.tend.wake)
    relay = Relay(
        base.worker_database,
        base.outbox,
        ledger=GrpcLedger(base.channels, NAME),
        news=Bus(base.redis),
        directive_sender=GrpcDirectiveSender(base.channels, NAME),
    )
    return Service(
        name=NAME,
        settings=told,
        names=PROTOS,
        register=lambda server: _register(server, base, ports),
        clock=base.clock,
        running=[relay, shift, _listener(base, ports)],
        close=[base.close],
    )


def _ports(base: ServiceResources, told: AssignmentSettings, peers: Peers) -> Ports:
    return Ports(
        units=AssignmentUnits(base.database, base.outbox),
        registry=peers.registry or GrpcRegistry(base.channels, base.clock),
        policy=peers.policy or base.policy(),
        approvals=peers.approvals or GrpcApprovals(base.channels),
        access=OutboxAccessLog(base.units(Unit), clock=base.clock, new_id=new_id),
        wake_up=WakeUp(),
        wake_tasks=WakeUp(),
        clock=base.clock,
        new_id=new_id,
        rules=told.rules,
    )


def _own_call(tenant: str) -> Call:
    return service_call(NAME, tenant, new_id)


def _night_shift(base: ServiceResources, told: AssignmentSettings, ports: Ports) -> Workers:
    duties = WorkerUseCases(
        tend=TendTask(ports),
        handoffs=AdvanceHandoff(ports),
        retirements=AdvanceRetirement(ports),
        approvals=FollowApproval(ports),
        reconcile=Reconcile(ports),
    )
    claims = WorkerClaims(base.worker_database, told.claim)
    return Workers(duties, claims, clock=base.clock, call=_own_call, pace=told.pace)


def _listener(base: ServiceResources, ports: Ports) -> Listener:
    answers = Answers(
        reconcile=Reconcile(ports).participants,
        hasten=Hasten(ports),
        follow=FollowApproval(ports),
    )
    return Listener(BusReader(base.redis), answers, call=_own_call)


def _register(server: grpc.aio.Server, base: ServiceResources, ports: Ports) -> None:
    handler = base.handler()
    tasks = TaskServicer(handler, task_verbs(ports))
    handoffs = HandoffServicer(handler, handoff_verbs(ports))
    assignment_pb2_grpc.add_AssignmentServiceServicer_to_server(tasks, server)
    handoff_pb2_grpc.add_HandoffServiceServicer_to_server(handoffs, server)


def task_verbs(ports: Ports) -> TaskVerbs:
    """The use cases of AssignmentService."""
    return TaskVerbs(
        submit=SubmitTask(ports),
        assign=AssignNow(ports),
        get=GetTask(ports),
        list=ListTasks(ports),
        start=StartTask(ports),
        resume=ResumeTasks(ports),
        decline=DeclineTask(ports),
        authorize=AuthorizeAction(ports),
        complete=CompleteTask(ports),
        fail=FailTask(ports),
        cancel=CancelTask(ports),
        explain=ExplainAssignment(ports),
        record=RecordCheckpoint(ports),
        resolve=ResolveContext(ports),
        pointers=ListContextPointers(ports),
    )


def handoff_verbs(ports: Ports) -> HandoffVerbs:
    """The use cases of HandoffService."""
    return HandoffVerbs(
        initiate=InitiateHandoff(ports),
        complete=CompleteHandoff(ports),
        decline=DeclineHandoff(ports),
        abort=AbortHandoff(ports),
        get=GetHandoff(ports),
        list=ListHandoffs(ports),
        retire=RetireParticipant(ports),
        get_retirement=GetRetirement(ports),
        list_retirements=ListRetirements(ports),
    )

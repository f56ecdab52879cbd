"""Builds assignment; nothing else makes its objects."""

from dataclasses import dataclass

import grpc.aio

from assignment_svc.adapters.approvals import GrpcApprovals
from assignment_svc.adapters.registry import GrpcRegistry
from assignment_svc.api.effect_servicer import EffectServicer, EffectVerbs
from assignment_svc.api.handoff_servicer import HandoffServicer, HandoffVerbs
from assignment_svc.api.task_servicer import TaskServicer, TaskVerbs
from assignment_svc.domain.ports import ApprovalService, Registry, TaskPolicy
from assignment_svc.settings import AssignmentSettings
from assignment_svc.store.claims import WorkerClaims
from assignment_svc.store.tables import metadata
from assignment_svc.store.unit import AssignmentUnits
from assignment_svc.usecases.actions.authorize_action import AuthorizeAction
from assignment_svc.usecases.actions.begin_effect import BeginEffect
from assignment_svc.usecases.actions.permission import AskPermission
from assignment_svc.usecases.actions.read_effects import GetEffect, ListEffects
from assignment_svc.usecases.actions.record_effect import RecordEffect
from assignment_svc.usecases.assignment.assign_task import AssignTask, Outcomes
from assignment_svc.usecases.assignment.bind import BindTask
from assignment_svc.usecases.assignment.candidates import CandidateSearch
from assignment_svc.usecases.assignment.continue_assignment import ContinueAssignment
from assignment_svc.usecases.assignment.explain_assignment import ExplainAssignment
from assignment_svc.usecases.assignment.park import ParkAssignment
from assignment_svc.usecases.handoff.abort_handoff import AbortHandoff
from assignment_svc.usecases.handoff.advance_handoff import AdvanceHandoff
from assignment_svc.usecases.handoff.complete_handoff import CompleteHandoff
from assignment_svc.usecases.handoff.continue_handoff import ContinueHandoff
from assignment_svc.usecases.handoff.decline_handoff import DeclineHandoff
from assignment_svc.usecases.handoff.evaluate_target import EvaluateTarget
from assignment_svc.usecases.handoff.initiate_handoff import InitiateHandoff
from assignment_svc.usecases.handoff.park_handoff import ParkHandoff
from assignment_svc.usecases.handoff.read_handoffs import GetHandoff, ListHandoffs
from assignment_svc.usecases.membership.advance_retirement import AdvanceRetirement
from assignment_svc.usecases.membership.apply_standing import ApplyStandings
from assignment_svc.usecases.membership.read_retirements import GetRetirement, ListRetirements
from assignment_svc.usecases.membership.reconcile import Reconcile
from assignment_svc.usecases.membership.retire_participant import RetireParticipant
from assignment_svc.usecases.membership.wake_queue import WakeQueue
from assignment_svc.usecases.steps.denials import Denials
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.tasks.assign_now import AssignNow
from assignment_svc.usecases.tasks.cancel_task import CancelTask
from assignment_svc.usecases.tasks.complete_task import CompleteTask
from assignment_svc.usecases.tasks.continue_completion import ContinueCompletion
from assignment_svc.usecases.tasks.decline_task import DeclineTask
from assignment_svc.usecases.tasks.fail_task import FailTask
from assignment_svc.usecases.tasks.follow_approval import Continuations, FollowApproval
from assignment_svc.usecases.tasks.process_task import ProcessTask
from assignment_svc.usecases.tasks.read_contexts import ListContextPointers, ResolveContext
from assignment_svc.usecases.tasks.read_tasks import GetTask, ListTasks
from assignment_svc.usecases.tasks.record_checkpoint import RecordCheckpoint
from assignment_svc.usecases.tasks.resume_tasks import ResumeTasks
from assignment_svc.usecases.tasks.start_task import StartTask
from assignment_svc.usecases.tasks.submit_task import SubmitTask
from assignment_svc.workers.background import Workers, WorkerUseCases
from assignment_svc.workers.bus_events import BusListener, EventHandlers
from phoenix_dma.v1 import assignment_pb2_grpc, effect_pb2_grpc, handoff_pb2_grpc
from phoenix_runtime.chassis.delivery.bus import Bus, BusReader
from phoenix_runtime.chassis.delivery.receivers import GrpcDirectiveSender, GrpcLedger
from phoenix_runtime.chassis.delivery.relay import Relay
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.chassis.resources import ServiceResources, open_resources
from phoenix_runtime.chassis.rpc.channels import service_call
from phoenix_runtime.chassis.server import Service
from phoenix_runtime.core.principal import Call

NAME = "assignment"
PROTOS = (
    "phoenix_dma.v1.AssignmentService",
    "phoenix_dma.v1.EffectService",
    "phoenix_dma.v1.HandoffService",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Peers:
    """The services below this one in the chain; real ones where not given."""

    registry: Registry | None = None
    approvals: ApprovalService | None = None
    policy: TaskPolicy | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCases:
    """Every use case of the service, built once; those that share a collaborator share one."""

    tasks: TaskVerbs
    effects: EffectVerbs
    handoffs: HandoffVerbs
    workers: WorkerUseCases
    wake_queue: WakeQueue
    assign: AssignTask


async def build(
    settings: AssignmentSettings | None = None, *, peers: Peers | None = None
) -> Service:
    """Assignment, migrated and ready to listen."""
    settings = settings or AssignmentSettings()
    base = await open_resources(NAME, settings, metadata)
    units = AssignmentUnits(base.database, base.outbox)
    ports = _ports(units, base, settings, peers or Peers())
    use_cases = build_use_cases(ports)
    workers = _workers(base, settings, use_cases)
    units.on_due(workers.due_at)
    relay = Relay(
        base.worker_database,
        base.outbox,
        ledger=GrpcLedger(base.channels, NAME),
        publisher=Bus(base.redis),
        directive_sender=GrpcDirectiveSender(base.channels, NAME),
    )
    return Service(
        name=NAME,
        settings=settings,
        names=PROTOS,
        register=lambda server: _register(server, base, use_cases),
        clock=base.clock,
        running=[relay, workers, _listener(base, use_cases)],
        close=[base.close],
    )


def _ports(
    units: AssignmentUnits, base: ServiceResources, settings: AssignmentSettings, peers: Peers
) -> Ports:
    return Ports(
        units=units,
        registry=peers.registry or GrpcRegistry(base.channels, base.clock),
        policy=peers.policy or base.policy(),
        approvals=peers.approvals or GrpcApprovals(base.channels),
        access=base.access,
        clock=base.clock,
        new_id=new_id,
        rules=settings.rules,
    )


def _own_call(tenant: str) -> Call:
    return service_call(NAME, tenant, new_id)


def _workers(base: ServiceResources, settings: AssignmentSettings, use_cases: UseCases) -> Workers:
    claims = WorkerClaims(base.worker_database, settings.claim)
    return Workers(
        use_cases.workers,
        claims,
        clock=base.clock,
        call=_own_call,
        intervals=settings.worker_intervals,
    )


def _listener(base: ServiceResources, use_cases: UseCases) -> BusListener:
    handlers = EventHandlers(
        reconcile=use_cases.workers.reconcile.participants,
        wake_queue=use_cases.wake_queue,
        follow_approval=use_cases.workers.approvals,
    )
    return BusListener(BusReader(base.redis), handlers, call=_own_call)


def _register(server: grpc.aio.Server, base: ServiceResources, use_cases: UseCases) -> None:
    handler = base.handler()
    tasks = TaskServicer(handler, use_cases.tasks)
    effects = EffectServicer(handler, use_cases.effects)
    handoffs = HandoffServicer(handler, use_cases.handoffs)
    assignment_pb2_grpc.add_AssignmentServiceServicer_to_server(tasks, server)
    effect_pb2_grpc.add_EffectServiceServicer_to_server(effects, server)
    handoff_pb2_grpc.add_HandoffServiceServicer_to_server(handoffs, server)


def build_use_cases(ports: Ports) -> UseCases:
    """Build every use case over ``ports``; a use case is given the others that it uses."""
    search = CandidateSearch(ports)
    bind, park = BindTask(ports), ParkAssignment(ports)
    outcomes = Outcomes(bind=bind, park=park, denials=Denials(ports))
    assign = AssignTask(ports, search, outcomes)
    ask = AskPermission(ports)
    evaluate = EvaluateTarget(ports)
    retirements = AdvanceRetirement(ports)
    continuations = Continuations(
        assignment=ContinueAssignment(ports, search, bind, park),
        completion=ContinueCompletion(ports),
        handoff=ContinueHandoff(ports),
    )
    return UseCases(
        tasks=_task_verbs(ports, search, assign, ask),
        effects=_effect_verbs(ports, ask),
        handoffs=_handoff_verbs(ports, evaluate, retirements),
        workers=WorkerUseCases(
            tasks=ProcessTask(ports, assign),
            handoffs=AdvanceHandoff(ports, search, evaluate, ParkHandoff(ports)),
            retirements=retirements,
            approvals=FollowApproval(ports, continuations),
            reconcile=Reconcile(ports, ApplyStandings(ports)),
        ),
        wake_queue=WakeQueue(ports),
        assign=assign,
    )


def _task_verbs(
    ports: Ports, search: CandidateSearch, assign: AssignTask, ask: AskPermission
) -> TaskVerbs:
    """The use cases of AssignmentService."""
    submit = SubmitTask(ports)
    return TaskVerbs(
        submit=submit,
        assign=AssignNow(ports, submit, assign),
        get=GetTask(ports),
        list=ListTasks(ports),
        start=StartTask(ports),
        resume=ResumeTasks(ports),
        decline=DeclineTask(ports),
        authorize=AuthorizeAction(ports, ask),
        complete=CompleteTask(ports),
        fail=FailTask(ports),
        cancel=CancelTask(ports),
        explain=ExplainAssignment(ports, search),
        record=RecordCheckpoint(ports),
        resolve=ResolveContext(ports),
        pointers=ListContextPointers(ports),
    )


def _effect_verbs(ports: Ports, ask: AskPermission) -> EffectVerbs:
    """The use cases of EffectService."""
    return EffectVerbs(
        begin=BeginEffect(ports, ask),
        record=RecordEffect(ports),
        get=GetEffect(ports),
        list=ListEffects(ports),
    )


def _handoff_verbs(
    ports: Ports, evaluate: EvaluateTarget, retirements: AdvanceRetirement
) -> HandoffVerbs:
    """The use cases of HandoffService."""
    return HandoffVerbs(
        initiate=InitiateHandoff(ports),
        complete=CompleteHandoff(ports, evaluate),
        decline=DeclineHandoff(ports),
        abort=AbortHandoff(ports),
        get=GetHandoff(ports),
        list=ListHandoffs(ports),
        retire=RetireParticipant(ports, retirements),
        get_retirement=GetRetirement(ports),
        list_retirements=ListRetirements(ports),
    )

"""Builds the registry: the only module that makes its objects."""

from dataclasses import dataclass

import grpc.aio

from phoenix_dma.v1 import identity_pb2_grpc, registry_pb2_grpc, session_pb2_grpc
from phoenix_runtime.chassis.delivery.bus import Bus, BusReader
from phoenix_runtime.chassis.delivery.receivers import GrpcLedger
from phoenix_runtime.chassis.delivery.relay import Relay
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.chassis.resources import ServiceResources, open_resources
from phoenix_runtime.chassis.rpc.credentials import KeyRing
from phoenix_runtime.chassis.server import Service, make_verifier
from phoenix_runtime.core.waiting.wakeup import WakeUp
from registry_svc.adapters.bus_publisher import BusEventPublisher
from registry_svc.adapters.credentials import LocalIssuer, MessageCredentialVerifier
from registry_svc.adapters.discovery_index.index import InMemoryDiscoveryIndex
from registry_svc.adapters.ended_leases import RedisEndedLeases
from registry_svc.adapters.governance import GrpcGovernance
from registry_svc.adapters.lease_store import RedisLeaseStore
from registry_svc.api.gateway_liveness import GatewayLivenessServicer
from registry_svc.api.identity_servicer import IdentityServicer, IdentityUseCases
from registry_svc.api.keep_alive_stream import SessionUseCases
from registry_svc.api.registry_servicer import RegistryServicer, RegistryUseCases
from registry_svc.api.session_servicer import SessionServicer
from registry_svc.domain.gateway_links import GatewayLinks
from registry_svc.domain.ports import Governance
from registry_svc.domain.session_table import SessionTable
from registry_svc.domain.stall_detector import StallDetector
from registry_svc.settings import RegistrySettings
from registry_svc.store.claims import WorkerClaims
from registry_svc.store.tables import metadata
from registry_svc.store.unit import RegistryUnits
from registry_svc.usecases.context import RegistryContext
from registry_svc.usecases.discovery.discover import DiscoverParticipants
from registry_svc.usecases.discovery.follow_participants import FollowParticipants
from registry_svc.usecases.discovery.follow_trust import FollowTrust
from registry_svc.usecases.discovery.query_capability_graph import QueryCapabilityGraph
from registry_svc.usecases.identity.change_roles import ChangeRoles
from registry_svc.usecases.identity.create_enrolment import CreateEnrolment
from registry_svc.usecases.identity.disable_identity import DisableIdentity
from registry_svc.usecases.identity.enrol import Enrol
from registry_svc.usecases.identity.get_jwks import GetJwks
from registry_svc.usecases.identity.list_enrolments import ListEnrolments
from registry_svc.usecases.identity.renew_credential import RenewCredential
from registry_svc.usecases.identity.sign_enrolment import SignEnrolment
from registry_svc.usecases.leases.apply_reported_health import ApplyReportedHealth
from registry_svc.usecases.leases.degrade_silent import DegradeSilent
from registry_svc.usecases.leases.end_leases import EndLeases
from registry_svc.usecases.leases.expire_leases import ExpireLeases
from registry_svc.usecases.leases.extend_leases import ExtendLeases
from registry_svc.usecases.leases.health_transitions import HealthTransitions
from registry_svc.usecases.leases.publish_heartbeats import PublishHeartbeats
from registry_svc.usecases.leases.seed_leases import SeedLeases
from registry_svc.usecases.leases.silent_sessions import SilentSessions
from registry_svc.usecases.leases.summarise_health import SummariseHealth
from registry_svc.usecases.leases.write_deadlines import WriteDeadlines
from registry_svc.usecases.participants.batch_get_standings import BatchGetStandings
from registry_svc.usecases.participants.begin_retirement import BeginRetirement
from registry_svc.usecases.participants.finish_retirement import FinishRetirement
from registry_svc.usecases.participants.get_participant import GetParticipant
from registry_svc.usecases.participants.list_participants import ListParticipants
from registry_svc.usecases.participants.register import RegisterParticipant
from registry_svc.usecases.participants.reinstate import ReinstateParticipant
from registry_svc.usecases.participants.review_members import ReviewMembers
from registry_svc.usecases.participants.suspend import SuspendParticipant
from registry_svc.usecases.participants.update_capabilities import UpdateCapabilities
from registry_svc.usecases.sessions.attach import AttachParticipant
from registry_svc.usecases.sessions.deliver_directives import DeliverDirectives
from registry_svc.usecases.sessions.directive_queue import DirectiveQueue
from registry_svc.usecases.sessions.forward_directives import ForwardDirectives
from registry_svc.usecases.sessions.heartbeat import Heartbeat
from registry_svc.usecases.sessions.leave import Leave
from registry_svc.usecases.sessions.record_heartbeats import RecordHeartbeats
from registry_svc.usecases.sessions.replica_sync import ReplicaSync
from registry_svc.usecases.sessions.send_directives import SendDirectives
from registry_svc.usecases.sessions.wait_for_directives import WaitForDirectives
from registry_svc.workers.background import Workers, WorkerUseCases, make_workers
from registry_svc.workers.bus_listener import BusListener
from registry_svc.workers.membership_reviews import MembershipReviews
from registry_svc.workers.replica_events import ReplicaEvents

NAME = "registry"
PROTOS = (
    "phoenix_dma.v1.RegistryService",
    "phoenix_dma.v1.SessionService",
    "phoenix_dma.v1.IdentityService",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """The objects that several servicers and workers are built from."""

    resources: ServiceResources
    settings: RegistrySettings
    context: RegistryContext
    claims: WorkerClaims
    replica: str
    """This replica among those that serve the same participants; new with each start."""
    directive_work: WakeUp
    health_work: WakeUp
    sync_work: WakeUp
    queue: DirectiveQueue
    replica_sync: ReplicaSync
    index: InMemoryDiscoveryIndex
    follow: FollowParticipants
    follow_trust: FollowTrust
    transitions: HealthTransitions
    apply_health: ApplyReportedHealth
    gateway_links: GatewayLinks


async def build(
    settings: RegistrySettings | None = None, *, policy: Governance | None = None
) -> Service:
    """The registry, migrated and ready to listen; ``policy`` is governance where not given."""
    settings = settings or RegistrySettings()
    resources = await open_resources(NAME, settings, metadata)
    shared = _shared(resources, settings, policy or GrpcGovernance(resources.channels))
    registry = RegistryServicer(resources.handler(), _registry_use_cases(shared))
    sessions = _session_servicer(shared)
    identity = _identity_servicer(shared)
    relay = Relay(
        resources.worker_database,
        resources.outbox,
        ledger=GrpcLedger(resources.channels, NAME),
        publisher=Bus(resources.redis),
    )

    def register(server: grpc.aio.Server) -> None:
        registry_pb2_grpc.add_RegistryServiceServicer_to_server(registry, server)
        session_pb2_grpc.add_SessionServiceServicer_to_server(sessions, server)
        identity_pb2_grpc.add_IdentityServiceServicer_to_server(identity, server)

    return Service(
        name=NAME,
        settings=settings,
        names=PROTOS,
        register=register,
        clock=resources.clock,
        running=[*_workers(shared, sessions).loops, _bus_listener(shared), relay],
        close=[resources.close],
        health=GatewayLivenessServicer(shared.gateway_links, resources.clock),
    )


def _shared(resources: ServiceResources, settings: RegistrySettings, policy: Governance) -> Shared:
    clock, terms = resources.clock, settings.terms
    sessions = SessionTable(interval=terms.interval)
    index = InMemoryDiscoveryIndex(sessions, settings.weights)
    context = RegistryContext(
        units=RegistryUnits(resources.database, resources.outbox, index),
        policy=policy,
        access=resources.access,
        sessions=sessions,
        clock=clock,
        new_id=new_id,
    )
    follow_trust = FollowTrust(context, index, policy)
    directive_work, sync_work = WakeUp(), WakeUp()
    queue, transitions = DirectiveQueue(directive_work), HealthTransitions(context)
    return Shared(
        resources=resources,
        settings=settings,
        context=context,
        claims=WorkerClaims(resources.worker_database),
        replica=new_id("replica"),
        directive_work=directive_work,
        health_work=WakeUp(),
        sync_work=sync_work,
        queue=queue,
        replica_sync=ReplicaSync(context, queue, sync_work),
        index=index,
        follow=FollowParticipants(context, index, follow_trust),
        follow_trust=follow_trust,
        transitions=transitions,
        apply_health=ApplyReportedHealth(context, transitions),
        gateway_links=GatewayLinks(
            silent_after=terms.gateway_silent_after, excused_for=terms.gateway_excused_for
        ),
    )


def _registry_use_cases(shared: Shared) -> RegistryUseCases:
    context = shared.context
    return RegistryUseCases(
        register=RegisterParticipant(context),
        update=UpdateCapabilities(context),
        get=GetParticipant(context),
        list=ListParticipants(context),
        discover=DiscoverParticipants(context, shared.follow, shared.settings.weights),
        suspend=SuspendParticipant(context),
        reinstate=ReinstateParticipant(context),
        graph=QueryCapabilityGraph(context),
        standings=BatchGetStandings(context),
        begin_retirement=BeginRetirement(context),
        finish_retirement=FinishRetirement(context),
        send_directives=SendDirectives(context, shared.queue),
        terms=shared.settings.terms,
    )


def _session_servicer(shared: Shared) -> SessionServicer:
    context, settings, clock = shared.context, shared.settings, shared.resources.clock
    credentials = MessageCredentialVerifier(make_verifier(settings, clock))
    record = RecordHeartbeats(context, shared.health_work)
    use_cases = SessionUseCases(
        attach=AttachParticipant(context, credentials, shared.queue),
        record=record,
        leave=Leave(context),
        queue=shared.queue,
        sessions=context.sessions,
        gateway_links=shared.gateway_links,
        terms=settings.terms,
    )
    heartbeat = Heartbeat(context, record, shared.apply_health, use_cases.leave, shared.queue)
    wait = WaitForDirectives(context, shared.queue)
    patience, handler = settings.reader_patience.total_seconds(), shared.resources.handler()
    return SessionServicer(handler, use_cases, (heartbeat, wait), clock, patience=patience)


def _identity_servicer(shared: Shared) -> IdentityServicer:
    context, settings = shared.context, shared.settings
    issuer = LocalIssuer(
        settings.issuer_key,
        KeyRing(settings.issuer_jwks),
        shared.resources.clock,
        issuer=settings.issuer,
        audience=settings.audience,
    )
    use_cases = IdentityUseCases(
        enrol=Enrol(context, issuer),
        renew=RenewCredential(context, issuer),
        create=CreateEnrolment(context),
        sign=SignEnrolment(context, issuer),
        list=ListEnrolments(context),
        change_roles=ChangeRoles(context),
        disable=DisableIdentity(context),
        jwks=GetJwks(issuer),
    )
    return IdentityServicer(shared.resources.handler(), use_cases)


def _bus_listener(shared: Shared) -> BusListener:
    clock, followed = shared.resources.clock, (shared.index, shared.follow_trust)
    replica_events = ReplicaEvents(shared.replica_sync, followed, clock, replica=shared.replica)
    review = ReviewMembers(shared.context)
    reviews = MembershipReviews(review, shared.claims.tenants, clock)
    return BusListener(BusReader(shared.resources.redis), replica_events, reviews)


def _workers(shared: Shared, sessions: SessionServicer) -> Workers:
    workers = make_workers(_worker_use_cases(shared, sessions), shared.settings.intervals)
    shared.directive_work.subscribe(workers.deliver.wake)
    shared.directive_work.subscribe(workers.forward.wake)
    shared.sync_work.subscribe(workers.replica_sync.wake)
    shared.index.work.subscribe(workers.index.wake)
    shared.health_work.subscribe(workers.health.wake)
    return workers


def _expiry(shared: Shared, expire: ExpireLeases) -> ExpireLeases | EndLeases:
    if not shared.settings.debug:
        return expire
    return EndLeases(expire, RedisEndedLeases(shared.resources.redis, shared.settings.lease_name))


def _worker_use_cases(shared: Shared, sessions: SessionServicer) -> WorkerUseCases:
    context, settings, resources = shared.context, shared.settings, shared.resources
    terms, clock, redelivery = settings.terms, resources.clock, settings.redelivery.total_seconds()
    stall_detector = StallDetector(limit=terms.margin)
    leases = RedisLeaseStore(
        resources.redis,
        clock,
        replica=shared.replica,
        name=settings.lease_name,
        shards=settings.lease_shards,
    )
    publisher = BusEventPublisher(Bus(resources.redis), clock, new_id, replica=shared.replica)
    silent = SilentSessions(context, leases, stall_detector, terms)
    seed = SeedLeases(clock, leases, shared.claims, stall_detector, terms)
    return WorkerUseCases(
        extend=ExtendLeases(context, shared.gateway_links),
        write=WriteDeadlines(context, leases, stall_detector, terms),
        publish=PublishHeartbeats(context, publisher),
        expire=_expiry(shared, ExpireLeases(context, leases, seed, stall_detector, terms)),
        apply_health=shared.apply_health,
        degrade_silent=DegradeSilent(context, shared.transitions, silent, terms),
        summarise=SummariseHealth(context, shared.transitions),
        deliver=DeliverDirectives(context, shared.queue, redelivery=redelivery),
        forward=ForwardDirectives(shared.queue, publisher),
        replica_sync=shared.replica_sync,
        follow=shared.follow,
        follow_trust=shared.follow_trust,
        close_slow_readers=sessions.close_slow_readers,
        prune_directives=shared.claims.prune_directives,
    )

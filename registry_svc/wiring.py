"""Builds the registry; nothing else makes its objects."""

from dataclasses import dataclass

import grpc.aio

from phoenix_dma.v1 import identity_pb2_grpc, registry_pb2_grpc, session_pb2_grpc
from phoenix_runtime.chassis.data.access_log import OutboxAccessLog
from phoenix_runtime.chassis.data.unit import Unit
from phoenix_runtime.chassis.delivery.bus import Bus, BusReader
from phoenix_runtime.chassis.delivery.receivers import GrpcLedger
from phoenix_runtime.chassis.delivery.relay import Relay
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.chassis.resources import ServiceResources, open_resources
from phoenix_runtime.chassis.rpc.credentials import KeyRing
from phoenix_runtime.chassis.server import Service, make_verifier
from phoenix_runtime.core.ports import Policy
from phoenix_runtime.core.wakeup import WakeUp
from registry_svc.adapters.credentials import LocalIssuer, MessageCredentials
from registry_svc.adapters.leases import RedisLeases
from registry_svc.adapters.news import BusNews
from registry_svc.api.hop_health import HopHealth
from registry_svc.api.identity import IdentityServicer
from registry_svc.api.registry import RegistryServicer, RegistryVerbs
from registry_svc.api.session import SessionVerbs
from registry_svc.api.sessions import SessionServicer
from registry_svc.domain.attendance import Attendance
from registry_svc.domain.hops import Hops
from registry_svc.domain.vigil import Vigil
from registry_svc.settings import RegistrySettings
from registry_svc.store.registry import PostgresRegistry, PostgresWorkers
from registry_svc.store.tables import metadata
from registry_svc.store.unit import RegistryUnit
from registry_svc.usecases.abreast import KeepAbreast, PassOnMail
from registry_svc.usecases.attend import AttachParticipant, Beat
from registry_svc.usecases.change_standing import ReinstateParticipant, SuspendParticipant
from registry_svc.usecases.directives import CarryDirectives, Mail, SendDirectives
from registry_svc.usecases.discover import DiscoverParticipants
from registry_svc.usecases.health import (
    HealthNotes,
    NoticeSilence,
    SettleHealth,
    Silence,
    SummariseHealth,
)
from registry_svc.usecases.heartbeat import Heartbeat
from registry_svc.usecases.identity import Enrol, GetJwks, RenewCredential
from registry_svc.usecases.leases import (
    AnnounceBeats,
    ExpireLeases,
    SeedLeases,
    SpareSilenced,
    WriteDeadlines,
)
from registry_svc.usecases.leave import Leave
from registry_svc.usecases.look_up import (
    BatchGetStandings,
    GetParticipant,
    ListParticipants,
    QueryCapabilityGraph,
)
from registry_svc.usecases.parts import Parts
from registry_svc.usecases.register import RegisterParticipant
from registry_svc.usecases.retire import BeginRetirement, FinishRetirement
from registry_svc.usecases.review_members import ReviewMembers
from registry_svc.usecases.update_capabilities import UpdateCapabilities
from registry_svc.workers.background import Workers, WorkerUseCases, make_workers
from registry_svc.workers.listener import Listener, Neighbours

NAME = "registry"
PROTOS = (
    "phoenix_dma.v1.RegistryService",
    "phoenix_dma.v1.SessionService",
    "phoenix_dma.v1.IdentityService",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """What the pieces are built from: the chassis, the settings, and what they share."""

    base: ServiceResources
    told: RegistrySettings
    parts: Parts
    mail_bell: WakeUp
    health_bell: WakeUp
    abreast_bell: WakeUp
    replica: str
    """Who this one is among those that serve the same participants; new with each start."""
    mail: Mail
    abreast: KeepAbreast
    settle: SettleHealth
    notes: HealthNotes
    hops: Hops


async def build(
    settings: RegistrySettings | None = None, *, policy: Policy | None = None
) -> Service:
    """The registry, migrated and ready to listen; ``policy`` is governance where not given."""
    told = settings or RegistrySettings()
    base = await open_resources(NAME, told, metadata)
    grounds = _grounds(base, told, policy or base.policy())
    sessions = _sessions(grounds)
    registry = RegistryServicer(base.handler(), _verbs(grounds))
    identity = _identity(grounds)
    shift = _shift(grounds, sessions)
    review = ReviewMembers(grounds.parts)
    workers = PostgresWorkers(base.worker_database)
    neighbours = Neighbours(grounds.abreast, base.clock, replica=grounds.replica)
    listener = Listener(BusReader(base.redis), neighbours, review, workers.tenants, base.clock)
    ledger = GrpcLedger(base.channels, NAME)
    relay = Relay(base.worker_database, base.outbox, ledger=ledger, news=Bus(base.redis))

    def register(server: grpc.aio.Server) -> None:
        registry_pb2_grpc.add_RegistryServiceServicer_to_server(registry, server)
        session_pb2_grpc.add_SessionServiceServicer_to_server(sessions, server)
        identity_pb2_grpc.add_IdentityServiceServicer_to_server(identity, server)

    return Service(
        name=NAME,
        settings=told,
        names=PROTOS,
        register=register,
        clock=base.clock,
        running=[*shift.loops, listener, relay],
        close=[base.close],
        health=HopHealth(grounds.hops, base.clock),
    )


def _grounds(base: ServiceResources, told: RegistrySettings, policy: Policy) -> Grounds:
    parts = Parts(
        units=base.units(RegistryUnit),
        registry=PostgresRegistry(base.database),
        policy=policy,
        access=OutboxAccessLog(base.units(Unit), clock=base.clock, new_id=new_id),
        attendance=Attendance(interval=told.terms.interval),
        clock=base.clock,
        new_id=new_id,
    )
    mail_bell, abreast_bell, notes = WakeUp(), WakeUp(), HealthNotes(parts)
    mail = Mail(mail_bell)
    return Grounds(
        base=base,
        told=told,
        parts=parts,
        mail_bell=mail_bell,
        health_bell=WakeUp(),
        abreast_bell=abreast_bell,
        replica=new_id("replica"),
        mail=mail,
        abreast=KeepAbreast(parts, mail, abreast_bell),
        settle=SettleHealth(parts, notes),
        notes=notes,
        hops=Hops(patience=told.terms.hop_patience, longest=told.terms.hop_longest),
    )


def _verbs(grounds: Grounds) -> RegistryVerbs:
    parts = grounds.parts
    return RegistryVerbs(
        register=RegisterParticipant(parts),
        update=UpdateCapabilities(parts),
        get=GetParticipant(parts),
        list=ListParticipants(parts),
        discover=DiscoverParticipants(parts, grounds.told.weights),
        suspend=SuspendParticipant(parts),
        reinstate=ReinstateParticipant(parts),
        graph=QueryCapabilityGraph(parts),
        standings=BatchGetStandings(parts),
        begin_retirement=BeginRetirement(parts),
        finish_retirement=FinishRetirement(parts),
        send_directives=SendDirectives(parts, grounds.mail),
        terms=grounds.told.terms,
    )


def _sessions(grounds: Grounds) -> SessionServicer:
    base, parts, told = grounds.base, grounds.parts, grounds.told
    credentials = MessageCredentials(make_verifier(told, base.clock))
    beat = Beat(parts, grounds.health_bell)
    verbs = SessionVerbs(
        attach=AttachParticipant(parts, credentials, grounds.mail),
        beat=beat,
        leave=Leave(parts),
        mail=grounds.mail,
        attendance=parts.attendance,
        hops=grounds.hops,
        terms=told.terms,
    )
    heartbeat = Heartbeat(parts, beat, grounds.settle, grounds.mail)
    patience = told.reader_patience.total_seconds()
    return SessionServicer(base.handler(), verbs, heartbeat, base.clock, patience=patience)


def _identity(grounds: Grounds) -> IdentityServicer:
    base, told = grounds.base, grounds.told
    issuer = LocalIssuer(
        told.issuer_key,
        KeyRing(told.issuer_jwks),
        base.clock,
        issuer=told.issuer,
        audience=told.audience,
    )
    enrol, renew = Enrol(grounds.parts, issuer), RenewCredential(grounds.parts, issuer)
    return IdentityServicer(base.handler(), enrol, renew, GetJwks(issuer))


def _shift(grounds: Grounds, sessions: SessionServicer) -> Workers:
    base, parts, told = grounds.base, grounds.parts, grounds.told
    terms, vigil = told.terms, Vigil(limit=told.terms.margin)
    leases = RedisLeases(
        base.redis,
        base.clock,
        replica=grounds.replica,
        name=told.lease_name,
        shards=told.lease_shards,
    )
    silence = Silence(parts, leases, vigil, terms)
    news = BusNews(Bus(base.redis), base.clock, new_id, replica=grounds.replica)
    workers = PostgresWorkers(base.worker_database)
    seed = SeedLeases(parts, leases, workers, vigil, terms)
    again = told.redelivery.total_seconds()
    duties = WorkerUseCases(
        spare=SpareSilenced(parts, grounds.hops),
        write=WriteDeadlines(parts, leases, vigil, terms),
        announce=AnnounceBeats(parts, news),
        expire=ExpireLeases(parts, leases, seed, vigil, terms),
        settle=grounds.settle,
        silence=NoticeSilence(parts, grounds.notes, silence, terms),
        summarise=SummariseHealth(parts, grounds.notes),
        carry=CarryDirectives(parts, grounds.mail, again=again),
        pass_on=PassOnMail(grounds.mail, news),
        abreast=grounds.abreast,
        cut_slow_readers=sessions.cut_slow_readers,
        forget_directives=workers.forget_directives,
    )
    shift = make_workers(duties, told.pace)
    grounds.mail_bell.subscribe(shift.carry.wake)
    grounds.mail_bell.subscribe(shift.pass_on.wake)
    grounds.abreast_bell.subscribe(shift.abreast.wake)
    grounds.health_bell.subscribe(shift.settle.wake)
    return shift

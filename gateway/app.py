"""Builds the gateway: one address for clients, without a database of its own."""

import grpc.aio
from grpc_health.v1._async import HealthServicer

from gateway.aggregate.servicer import GatewayServicer
from gateway.aggregate.sources import DossierSources
from gateway.aggregate.task_dossier import AggregateTaskDossier
from gateway.proxy.forwarding import ForwardingHandler
from gateway.proxy.health import BackendHealth
from gateway.proxy.liveness import GatewayLiveness, SessionStreams
from gateway.proxy.reflection import add_reflection
from gateway.proxy.routing import GATEWAY_SERVICE, SERVED_BY
from gateway.rest.admission import RestAdmission
from gateway.rest.application import make_application
from gateway.rest.server import RestServer
from gateway.settings import GatewaySettings
from phoenix_dma.v1 import gateway_pb2_grpc
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.chassis.limits.quotas import Quotas, QuotaTerms
from phoenix_runtime.chassis.rpc.channels import Channels
from phoenix_runtime.chassis.rpc.credentials import ServiceSigner
from phoenix_runtime.chassis.rpc.handler import RpcHandler
from phoenix_runtime.chassis.rpc.interceptors.identity import GATEWAY
from phoenix_runtime.chassis.schema import rpcs
from phoenix_runtime.chassis.server import Service, make_verifier
from phoenix_runtime.chassis.wall_clock import steady_clock


async def build(settings: GatewaySettings | None = None) -> Service:
    """Return the gateway, ready to listen on both ports; settings come from the environment."""
    chosen = settings or GatewaySettings()
    clock = steady_clock()
    signer = ServiceSigner(GATEWAY, chosen.service_key, clock, audience=chosen.audience)
    channels = Channels(chosen, signer)
    health = HealthServicer()
    backends = BackendHealth(channels, health)
    streams = SessionStreams()
    # One count for both ports: a tenant has one budget, whichever port it uses.
    quotas = Quotas(QuotaTerms.of(chosen), clock)
    admission = RestAdmission(make_verifier(chosen, clock), new_id, quotas)
    application = make_application(
        admission, channels, backends.serving, largest_body=chosen.max_message_bytes
    )
    rest = RestServer(application, chosen.rest_listen, connections=chosen.rest_connections)
    servicer = GatewayServicer(RpcHandler(), AggregateTaskDossier(DossierSources(channels)))

    def register(server: grpc.aio.Server) -> None:
        gateway_pb2_grpc.add_GatewayServiceServicer_to_server(servicer, server)
        add_reflection([GATEWAY_SERVICE, *SERVED_BY], server)
        read_timeout = chosen.stream_patience.total_seconds()
        forwarding = ForwardingHandler(rpcs(), channels, streams, read_timeout=read_timeout)
        server.add_generic_rpc_handlers((forwarding,))

    return Service(
        name=GATEWAY,
        settings=chosen,
        names=[GATEWAY_SERVICE],
        register=register,
        clock=clock,
        running=[backends, GatewayLiveness(channels, streams), rest],
        close=[channels.close],
        reflected=False,
        health=health,
        quotas=quotas,
    )

"""The gateway: one address for clients, built here and nowhere else. It owns nothing."""

import grpc.aio
from grpc_health.v1._async import HealthServicer

from gateway.gather.dossier import GatherTaskDossier
from gateway.gather.servicer import GatewayServicer
from gateway.gather.sources import Sources
from gateway.proxy.health import Behind
from gateway.proxy.homes import HOMES, OWN
from gateway.proxy.passing import PassThrough
from gateway.proxy.reflection import add_reflection
from gateway.rest.door import Door
from gateway.rest.port import RestPort
from gateway.rest.site import make_site
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
    """The gateway, ready to listen on both ports."""
    told = settings or GatewaySettings()
    clock = steady_clock()
    signer = ServiceSigner(GATEWAY, told.service_key, clock, audience=told.audience)
    channels = Channels(told, signer)
    health = HealthServicer()
    behind = Behind(channels, health)
    # Both ports count by the same: a tenant has no second purse at the other door.
    quotas = Quotas(QuotaTerms.of(told), clock)
    door = Door(make_verifier(told, clock), new_id, quotas)
    site = make_site(door, channels, behind.serving, largest_body=told.max_message_bytes)
    rest = RestPort(site, told.rest_listen, connections=told.rest_connections)
    gathered = GatewayServicer(RpcHandler(), GatherTaskDossier(Sources(channels)))

    def register(server: grpc.aio.Server) -> None:
        gateway_pb2_grpc.add_GatewayServiceServicer_to_server(gathered, server)
        add_reflection([OWN, *HOMES], server)
        server.add_generic_rpc_handlers(
            (PassThrough(rpcs(), channels, patience=told.stream_patience.total_seconds()),)
        )

    return Service(
        name=GATEWAY,
        settings=told,
        names=[OWN],
        register=register,
        clock=clock,
        running=[behind, rest],
        close=[channels.close],
        reflected=False,
        health=health,
        quotas=quotas,
    )

"""IdentityService on the wire."""

from typing import Any

from grpc.aio import ServicerContext

from phoenix_dma.v1 import identity_pb2, identity_pb2_grpc
from phoenix_runtime.chassis.rpc.handler import RpcHandler
from registry_svc.api import convert
from registry_svc.usecases.identity.enrol import Enrol
from registry_svc.usecases.identity.get_jwks import GetJwks
from registry_svc.usecases.identity.renew_credential import RenewCredential


class IdentityServicer(identity_pb2_grpc.IdentityServiceServicer):
    """CredentialVerifier of the local issuer."""

    def __init__(
        self, handler: RpcHandler, enrol: Enrol, renew: RenewCredential, jwks: GetJwks
    ) -> None:
        self._handler = handler
        self._enrol = enrol
        self._renew = renew
        self._jwks = jwks

    async def Enrol(  # noqa: N802  # the schema's name
        self, request: identity_pb2.EnrolRequest, context: ServicerContext[Any, Any]
    ) -> identity_pb2.EnrolResponse:
        """A short-lived credential for an enrolment credential."""
        return await self._handler.read(
            run=lambda call: self._enrol(call, convert.enrolment_from_pb(request)),
            answer=convert.enrolled_to_pb,
        )

    async def RenewCredential(  # noqa: N802  # the schema's name
        self, request: identity_pb2.RenewCredentialRequest, context: ServicerContext[Any, Any]
    ) -> identity_pb2.RenewCredentialResponse:
        """The next credential."""
        return await self._handler.read(run=self._renew, answer=convert.renewed_to_pb)

    async def GetJwks(  # noqa: N802  # the schema's name
        self, request: identity_pb2.GetJwksRequest, context: ServicerContext[Any, Any]
    ) -> identity_pb2.GetJwksResponse:
        """The public keys; the call may come without a credential."""
        return identity_pb2.GetJwksResponse(jwks=await self._jwks())

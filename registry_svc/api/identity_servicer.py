"""IdentityService on the wire."""

from dataclasses import dataclass
from typing import Any

from grpc.aio import ServicerContext

from phoenix_dma.v1 import identity_pb2, identity_pb2_grpc
from phoenix_runtime.chassis.rpc.conversions import page_from_pb
from phoenix_runtime.chassis.rpc.handler import RpcHandler
from phoenix_runtime.core.json import Json
from phoenix_runtime.core.pages import Page
from phoenix_runtime.core.principal import Call
from registry_svc.api import convert_identity as convert
from registry_svc.domain.identity.records import Enrolment
from registry_svc.usecases.identity.change_roles import ChangeRoles
from registry_svc.usecases.identity.create_enrolment import CreateEnrolment
from registry_svc.usecases.identity.disable_identity import DisableIdentity
from registry_svc.usecases.identity.enrol import Enrol
from registry_svc.usecases.identity.get_jwks import GetJwks
from registry_svc.usecases.identity.list_enrolments import ListEnrolments
from registry_svc.usecases.identity.renew_credential import RenewCredential
from registry_svc.usecases.identity.sign_enrolment import SignEnrolment


@dataclass(frozen=True, slots=True)
class IdentityUseCases:
    """The use cases behind the servicer."""

    enrol: Enrol
    renew: RenewCredential
    create: CreateEnrolment
    sign: SignEnrolment
    list: ListEnrolments
    change_roles: ChangeRoles
    disable: DisableIdentity
    jwks: GetJwks


class IdentityServicer(identity_pb2_grpc.IdentityServiceServicer):
    """Credentials of the local issuer, and its records."""

    def __init__(self, handler: RpcHandler, use_cases: IdentityUseCases) -> None:
        self._handler = handler
        self._use_cases = use_cases

    async def Enrol(  # noqa: N802  # the schema's name
        self, request: identity_pb2.EnrolRequest, context: ServicerContext[Any, Any]
    ) -> identity_pb2.EnrolResponse:
        """A short-lived credential for an enrolment credential."""
        return await self._handler.read(
            run=lambda call: self._use_cases.enrol(call, convert.enrolment_from_pb(request)),
            answer=convert.enrolled_to_pb,
        )

    async def RenewCredential(  # noqa: N802  # the schema's name
        self, request: identity_pb2.RenewCredentialRequest, context: ServicerContext[Any, Any]
    ) -> identity_pb2.RenewCredentialResponse:
        """The next credential."""
        return await self._handler.read(run=self._use_cases.renew, answer=convert.renewed_to_pb)

    async def CreateEnrolment(  # noqa: N802  # the schema's name
        self, request: identity_pb2.CreateEnrolmentRequest, context: ServicerContext[Any, Any]
    ) -> identity_pb2.CreateEnrolmentResponse:
        """A recorded enrolment. The answer is remembered without the credential."""
        answer = await self._handler.mutate(
            request,
            run=lambda call: self._use_cases.create(call, convert.order_from_pb(request)),
            answer=convert.created_to_pb,
        )
        enrolment_id = answer.enrolment.enrolment_id
        signed = await self._handler.read(
            run=lambda call: self._use_cases.sign(call, enrolment_id),
            answer=lambda credential: identity_pb2.CreateEnrolmentResponse(credential=credential),
        )
        answer.credential = signed.credential
        return answer

    async def ListEnrolments(  # noqa: N802  # the schema's name
        self, request: identity_pb2.ListEnrolmentsRequest, context: ServicerContext[Any, Any]
    ) -> identity_pb2.ListEnrolmentsResponse:
        """The issuer's records."""

        async def run(call: Call) -> Page[Enrolment]:
            wanted = convert.enrolment_filter_from_pb(request)
            filters: Json = [wanted.identity, sorted(wanted.kinds)]
            return await self._use_cases.list(call, wanted, page_from_pb(request, filters))

        return await self._handler.read(run=run, answer=convert.enrolments_to_pb)

    async def ChangeRoles(  # noqa: N802  # the schema's name
        self, request: identity_pb2.ChangeRolesRequest, context: ServicerContext[Any, Any]
    ) -> identity_pb2.ChangeRolesResponse:
        """Grants and revokes roles."""
        return await self._handler.mutate(
            request,
            run=lambda call: self._use_cases.change_roles(
                call, convert.role_change_from_pb(request)
            ),
            answer=convert.roles_changed_to_pb,
        )

    async def DisableIdentity(  # noqa: N802  # the schema's name
        self, request: identity_pb2.DisableIdentityRequest, context: ServicerContext[Any, Any]
    ) -> identity_pb2.DisableIdentityResponse:
        """Disables an identity."""
        return await self._handler.mutate(
            request,
            run=lambda call: self._use_cases.disable(call, request.identity, request.reason),
            answer=convert.disabled_to_pb,
        )

    async def GetJwks(  # noqa: N802  # the schema's name
        self, request: identity_pb2.GetJwksRequest, context: ServicerContext[Any, Any]
    ) -> identity_pb2.GetJwksResponse:
        """The public keys; the call may come without a credential."""
        return identity_pb2.GetJwksResponse(jwks=await self._use_cases.jwks())

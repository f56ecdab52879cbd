"""Who is let in at the REST port: the same credential and the same roles as at the gRPC port."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.requests import Request

from phoenix_runtime.chassis.credentials import Verifier
from phoenix_runtime.chassis.interceptors.authorization import check
from phoenix_runtime.chassis.interceptors.identity import AUTHORIZATION
from phoenix_runtime.chassis.quota import Quotas
from phoenix_runtime.chassis.schema import Rpc
from phoenix_runtime.core.errors import CredentialInvalid, NotPermitted
from phoenix_runtime.core.ids import NewId
from phoenix_runtime.core.principal import Call, Role


@dataclass(frozen=True, slots=True)
class Door:
    """Verifies the bearer credential of a request and makes the call that goes on to a service.

    The credential goes on unchanged; every service verifies it again.
    """

    verifier: Verifier
    new_id: NewId
    quotas: Quotas

    def call(self, request: Request) -> Call:
        """The call of ``request``; raises `CredentialInvalid`."""
        header = _one(request.headers.getlist(AUTHORIZATION))
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise CredentialInvalid("The credential has to be sent as a bearer token")
        return Call(
            principal=self.verifier.caller(token.strip()),
            correlation_id=self.new_id("audit.corr"),
            metadata=((AUTHORIZATION, f"Bearer {token.strip()}"),),
        )

    @asynccontextmanager
    async def admitted(self, call: Call, rpc: Rpc) -> AsyncIterator[None]:
        """Let ``call`` in for as long as it lasts.

        Raises `QuotaExceeded`; `NotPermitted` unless the schema lets the caller use ``rpc``.
        """
        async with self.quotas.admitted(call.tenant, rpc):
            check(rpc, call)
            yield

    def admit_any(self, call: Call, roles: Sequence[Role]) -> None:
        """Raise `NotPermitted` unless the caller holds one of ``roles``."""
        if not call.principal.has(*roles):
            wanted = ", ".join(sorted(roles))
            raise NotPermitted(f"This page is for {wanted}", {"allowed_roles": wanted})


def _one(headers: list[str]) -> str:
    """The only one; of two the call is refused rather than guessed."""
    if not headers:
        raise CredentialInvalid("The request carries no credential")
    if len(headers) > 1:
        raise CredentialInvalid("The request carries more than one credential")
    return headers[0]

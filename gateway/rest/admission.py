"""Authenticates REST requests and admits them by role and quota, as the gRPC port does."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request

from gateway.problems import Occurrence
from phoenix_runtime.chassis.limits.quotas import Quotas
from phoenix_runtime.chassis.rpc.credentials import Verifier
from phoenix_runtime.chassis.rpc.interceptors.authorization import check
from phoenix_runtime.chassis.rpc.interceptors.identity import AUTHORIZATION
from phoenix_runtime.chassis.schema import Rpc
from phoenix_runtime.core.errors import CredentialInvalid, NotPermitted, TooLarge
from phoenix_runtime.core.ids import NewId
from phoenix_runtime.core.principal import Call, Role

HEADER_BYTES: Final = 32 * 1024
"""The limit of all headers together, as of all metadata at the gRPC port."""
ENTRY_BYTES: Final = 32
"""What HTTP/2 adds for each header to its name and value (RFC 9113, 6.5.2)."""


class HeadersTooLarge(TooLarge):
    """The headers and the query together are larger than the limit."""

    remedy = "Send fewer or shorter headers, and less in the query; waiting does not help."


@dataclass(frozen=True, slots=True)
class RestAdmission:
    """Verifies the bearer credential of a request, its role and its tenant's quota.

    The credential is forwarded unchanged; every service verifies it again.
    """

    verifier: Verifier
    new_id: NewId
    quotas: Quotas

    def occurrence(self) -> Occurrence:
        """Return what the answer to one request is told by, whether it becomes a call or not."""
        return Occurrence(correlation_id=self.new_id("audit.corr"))

    def authenticate(
        self, request: Request, rpc: Rpc | None = None, *, correlation_id: str
    ) -> Call:
        """Return the call of ``request``; raises `CredentialInvalid`, `HeadersTooLarge`.

        ``rpc`` is what it asks for: an enrolment credential opens Enrol and nothing else.
        """
        _check_size(request)
        header = _only(request.headers.getlist(AUTHORIZATION))
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise CredentialInvalid("The credential has to be sent as a bearer token")
        enrolling = rpc is not None and Role.ENROLLER in rpc.roles
        verified = self.verifier.enroller if enrolling else self.verifier.caller
        return Call(
            principal=verified(token.strip()),
            correlation_id=correlation_id,
            metadata=((AUTHORIZATION, f"Bearer {token.strip()}"),),
        )

    @asynccontextmanager
    async def admitted(self, call: Call, rpc: Rpc) -> AsyncIterator[None]:
        """Hold one place of the tenant's quota for ``call`` while it runs.

        Raises `QuotaExceeded`; `NotPermitted` unless the schema lets the caller use ``rpc``.
        """
        async with self.quotas.admitted(call.tenant, rpc):
            check(rpc, call)
            yield

    def require_role(self, call: Call, roles: Sequence[Role]) -> None:
        """Raise `NotPermitted` unless the caller holds one of ``roles``."""
        if not call.principal.has(*roles):
            wanted = ", ".join(sorted(roles))
            remedy = f"Use a profile or credential with one of these roles: {wanted}."
            raise NotPermitted(
                f"This page is for {wanted}", {"allowed_roles": wanted}, remedy=remedy
            )


def _check_size(request: Request) -> None:
    """Raise `TooLarge` for headers that came in one piece, which the server does not limit."""
    size = sum(len(name) + len(value) + ENTRY_BYTES for name, value in request.headers.raw)
    size += len(request.scope["query_string"])
    if size > HEADER_BYTES:
        raise HeadersTooLarge("headers and query", size=size, limit=HEADER_BYTES)


def _only(headers: list[str]) -> str:
    """Return the only header; two are refused, since either could be meant."""
    if not headers:
        raise CredentialInvalid("The request carries no credential")
    if len(headers) > 1:
        raise CredentialInvalid("The request carries more than one credential")
    return headers[0]

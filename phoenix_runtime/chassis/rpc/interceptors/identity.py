"""Verifies the credential and gives the call its principal and correlation id."""

import re
import time
from collections.abc import Iterable

from phoenix_runtime.chassis.rpc.credentials import ServiceIdentity, Verifier
from phoenix_runtime.chassis.rpc.interceptors.stages import Arrival
from phoenix_runtime.chassis.serving import Serving, serving
from phoenix_runtime.core.errors import CredentialInvalid, FieldInvalid, Violation
from phoenix_runtime.core.ids import NewId
from phoenix_runtime.core.principal import Call, Principal, Role

AUTHORIZATION = "authorization"
SERVICE_CREDENTIAL = "x-phoenix-dma-service"
CORRELATION = "x-phoenix-dma-correlation"
IDEMPOTENCY_KEY = "idempotency-key"
REQUEST_ID = "x-request-id"
GATEWAY = "gateway"

HEALTH = "/grpc.health.v1.Health/"
SPOKEN_BY_ANYBODY = re.compile(r"[\x21-\x7e]{1,128}")


class IdentityStage:
    """Verifies credentials and makes the `Call` that the servicer works with."""

    def __init__(self, verifier: Verifier, new_id: NewId) -> None:
        self._verifier = verifier
        self._new_id = new_id

    def around(self, arrival: Arrival) -> None:
        """Raises `CredentialInvalid` unless the call is open or its credential holds."""
        call = None
        if not arrival.path.startswith(HEALTH):
            call = self._call(arrival, _headers(arrival))
        left: float | None = arrival.context.time_remaining()  # None without a deadline
        deadline = None if left is None else time.monotonic() + left
        serving.set(Serving(arrival.rpc, call, deadline))

    def _call(self, arrival: Arrival, headers: dict[str, str]) -> Call | None:
        if arrival.rpc is not None and arrival.rpc.open and AUTHORIZATION not in headers:
            return None
        service = self._service(headers)
        principal = self._principal(arrival, headers, service)
        if service is not None and service.tenant != principal.tenant:
            raise CredentialInvalid("The service credential is for another tenant")
        given = headers.get(CORRELATION, "") if service is not None else ""
        return Call(
            principal=principal,
            correlation_id=given or self._new_id("audit.corr"),
            service=service.name if service is not None else "",
            request_id=_request_id(headers),
            metadata=_forwarded(headers),
        )

    def _service(self, headers: dict[str, str]) -> ServiceIdentity | None:
        if SERVICE_CREDENTIAL not in headers:
            return None
        return self._verifier.service(_bearer(headers[SERVICE_CREDENTIAL]))

    def _principal(
        self, arrival: Arrival, headers: dict[str, str], service: ServiceIdentity | None
    ) -> Principal:
        """The caller's principal; a worker of a service, which has no caller, is its own."""
        if AUTHORIZATION in headers:
            token = _bearer(headers[AUTHORIZATION])
            if arrival.rpc is not None and Role.ENROLLER in arrival.rpc.roles:
                return self._verifier.enroller(token)
            return self._verifier.caller(token, behind_service=service is not None)
        if service is None or service.name == GATEWAY:
            raise CredentialInvalid("The call carries no credential")
        return service_principal(service.name, service.tenant)


def service_principal(name: str, tenant: str) -> Principal:
    """What a service is when it acts on its own account."""
    return Principal(
        tenant=tenant,
        subject=f"service:{name}",
        roles=frozenset({Role.SERVICE}),
        assurance="service",
    )


def _headers(arrival: Arrival) -> dict[str, str]:
    """The text headers; of one that comes twice the call is refused rather than guessed."""
    headers: dict[str, str] = {}
    metadata: Iterable[tuple[str, object]] = arrival.context.invocation_metadata() or ()
    for key, value in metadata:
        if not isinstance(value, str):
            continue
        if key in headers and key in {AUTHORIZATION, SERVICE_CREDENTIAL}:
            raise CredentialInvalid(f"The call carries more than one {key}")
        if key == IDEMPOTENCY_KEY and headers.get(key, value) != value:
            raise FieldInvalid([Violation("request_id", f"the call carries two {key}s")])
        headers[key] = value
    return headers


def _request_id(headers: dict[str, str]) -> str:
    """What makes a repetition harmless, where the message itself does not say.

    A key that cannot be kept is refused: whoever sent it would repeat without protection. An
    ``x-request-id`` is only taken where it will do: proxies set it for purposes of their own.
    """
    key = headers.get(IDEMPOTENCY_KEY, "")
    if key and not SPOKEN_BY_ANYBODY.fullmatch(key):
        text = f"{IDEMPOTENCY_KEY} has to be 1 to 128 printable ASCII characters without spaces"
        raise FieldInvalid([Violation("request_id", text)])
    asked = headers.get(REQUEST_ID, "")
    return key or (asked if SPOKEN_BY_ANYBODY.fullmatch(asked) else "")


def _bearer(header: str) -> str:
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise CredentialInvalid("The credential has to be sent as a bearer token")
    return token.strip()


def _forwarded(headers: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """The caller's own credential goes on unchanged from hop to hop."""
    if AUTHORIZATION not in headers:
        return ()
    return ((AUTHORIZATION, headers[AUTHORIZATION]),)

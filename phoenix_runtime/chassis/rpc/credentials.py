"""Verifies credentials and signs the services' own (RFC 7519, RFC 7517)."""

import json
import os
import secrets
import warnings
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from joserfc import jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import KeySet, OKPKey

from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.errors import CredentialInvalid
from phoenix_runtime.core.ids import is_identifier
from phoenix_runtime.core.principal import Descent, Enroller, Principal, Role

# EdDSA is the name that every JWT library knows; RFC 9864's "Ed25519" is taken as well.
warnings.filterwarnings("ignore", category=SecurityWarning)

Key = TypeVar("Key")
Value = TypeVar("Value")

ALGORITHMS = ("EdDSA", "Ed25519", "ES256", "RS256")
LONGEST_LIFE = timedelta(minutes=15)
SERVICE_LIFE = timedelta(seconds=60)
SKEW = timedelta(seconds=30)
"""How far the clock of an issuer may be ahead of ours."""
BEHIND_A_SERVICE = timedelta(seconds=60)
"""Expiry has no leeway at the first hop, and this much further on: a call does not die halfway."""
NO_LEEWAY = timedelta()
SERVICE_ISSUER = "phoenix-dma-services"
ENROLMENT_AUDIENCE = "phoenix-dma-enrol"
REMEMBERED = 10_000


class KeyRing:
    """The public keys of a JWKS file, read again when the file changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._name = str(path)
        self._stamp = (-1, -1)
        self._keys = KeySet([])

    def keys(self) -> KeySet:
        """The keys as they stand now; raises OSError where the file is gone."""
        status = os.stat(self._name)  # noqa: PTH116  # each call asks; a Path takes twice as long
        stamp = (status.st_mtime_ns, status.st_ino)
        if stamp != self._stamp:
            self._keys = KeySet.import_key_set(json.loads(self._path.read_text()))
            self._stamp = stamp
        return self._keys

    @property
    def stamp(self) -> tuple[int, int]:
        """Changes with the keys, so that what was verified with older ones is verified again."""
        self.keys()
        return self._stamp


@dataclass(frozen=True, slots=True)
class ServiceIdentity:
    """A service that proved itself, and the tenant it acts for."""

    name: str
    tenant: str


@dataclass(frozen=True, slots=True)
class _Caller:
    """A caller whose credential was verified; its times are checked each time."""

    claims: Mapping[str, Any]
    principal: Principal


class Verifier:
    """Checks credentials: signature, key id, algorithm, issuer, audience, times, shape."""

    def __init__(
        self,
        issuer_keys: KeyRing,
        service_keys: KeyRing,
        clock: Clock,
        *,
        issuer: str,
        audience: str,
    ) -> None:
        self._issuer_keys = issuer_keys
        self._service_keys = service_keys
        self._clock = clock
        self._issuer = issuer
        self._audience = audience
        self._seen: OrderedDict[tuple[str, tuple[int, int]], dict[str, Any]] = OrderedDict()
        self._principals: OrderedDict[tuple[str, tuple[int, int]], _Caller] = OrderedDict()

    def caller(self, token: str, *, behind_service: bool = False) -> Principal:
        """The principal of a caller's token; raises `CredentialInvalid`."""
        mark = (token, self._issuer_keys.stamp)
        known = self._principals.get(mark)
        if known is None:
            claims = self._claims(token, self._issuer_keys)
            self._expect(claims, self._issuer, self._audience)
            known = _Caller(claims, principal_of(claims))
            _remember(self._principals, mark, known)
        leeway = BEHIND_A_SERVICE if behind_service else NO_LEEWAY
        self._check_times(known.claims, LONGEST_LIFE, leeway)
        return known.principal

    def enroller(self, token: str) -> Principal:
        """The principal of an enrolment credential, which opens nothing but Enrol."""
        claims = self._claims(token, self._issuer_keys)
        self._expect(claims, self._issuer, ENROLMENT_AUDIENCE)
        self._check_times(claims, None, NO_LEEWAY)
        return replace(principal_of(claims), descent=_descent_of_enrolment(claims))

    def service(self, token: str) -> ServiceIdentity:
        """The service behind a service credential; raises `CredentialInvalid`."""
        claims = self._claims(token, self._service_keys)
        self._expect(claims, SERVICE_ISSUER, self._audience)
        self._check_times(claims, SERVICE_LIFE, SKEW)
        subject = _text(claims, "sub")
        # The key id names the service, so that no service can sign as another.
        if not subject.startswith("service:") or claims["kid"].split(".")[0] != subject[8:]:
            raise CredentialInvalid("The service credential names another service than its key")
        return ServiceIdentity(subject[8:], _tenant(claims))

    def _claims(self, token: str, ring: KeyRing) -> dict[str, Any]:
        """The verified claims, with the key id among them; remembered, as verifying is slow."""
        mark = (token, ring.stamp)
        known = self._seen.get(mark)
        if known is not None:
            return known
        try:
            decoded = jwt.decode(token, ring.keys(), algorithms=ALGORITHMS)
        except (JoseError, ValueError, TypeError, KeyError, UnicodeError) as error:
            raise CredentialInvalid("The credential is not signed by a key of ours") from error
        kid = decoded.header.get("kid")
        if not isinstance(kid, str) or not isinstance(decoded.claims, dict):
            raise CredentialInvalid("The credential names no key")
        claims = {**decoded.claims, "kid": kid}
        _remember(self._seen, mark, claims)
        return claims

    def _expect(self, claims: Mapping[str, Any], issuer: str, audience: str) -> None:
        if claims.get("iss") != issuer:
            raise CredentialInvalid("The credential has another issuer")
        named = claims.get("aud")
        if audience not in (named if isinstance(named, list) else [named]):
            raise CredentialInvalid("The credential is made for another audience")

    def _check_times(
        self, claims: Mapping[str, Any], longest: timedelta | None, leeway: timedelta
    ) -> None:
        now = self._clock.now().timestamp()
        issued, expires = _seconds(claims, "iat"), _seconds(claims, "exp")
        begins = _seconds(claims, "nbf") if "nbf" in claims else issued
        if now >= expires + leeway.total_seconds():
            raise CredentialInvalid("The credential has expired")
        if now + SKEW.total_seconds() < max(begins, issued):
            raise CredentialInvalid("The credential is not valid yet")
        if longest is not None and expires - issued > longest.total_seconds():
            raise CredentialInvalid("The credential lives longer than is allowed")


def _remember(known: OrderedDict[Key, Value], key: Key, value: Value) -> None:
    known[key] = value
    if len(known) > REMEMBERED:
        known.popitem(last=False)


class ServiceSigner:
    """Makes this service's own short-lived credentials, one a tenant, renewed at half-life."""

    def __init__(self, service: str, key_path: Path, clock: Clock, *, audience: str) -> None:
        self._service = service
        self._path = key_path
        self._clock = clock
        self._audience = audience
        self._made: dict[str, tuple[float, str]] = {}

    def token(self, tenant: str) -> str:
        """A credential that says: this service, for ``tenant``, at most 60 s from now."""
        now = self._clock.monotonic()
        made = self._made.get(tenant)
        if made is not None and now - made[0] < SERVICE_LIFE.total_seconds() / 2:
            return made[1]
        claims = {
            "iss": SERVICE_ISSUER,
            "sub": f"service:{self._service}",
            "tenant": tenant,
        }
        key = OKPKey.import_key(json.loads(self._path.read_text()))
        token = sign(claims, key, self._clock, audience=self._audience, life=SERVICE_LIFE)
        self._made[tenant] = (now, token)
        return token


def sign(
    claims: Mapping[str, Any], key: OKPKey, clock: Clock, *, audience: str, life: timedelta
) -> str:
    """A JWT over ``claims`` with times and a random id added; EdDSA."""
    now = int(clock.now().timestamp())
    stamped = {
        **claims,
        "aud": audience,
        "iat": now,
        "nbf": now,
        "exp": now + int(life.total_seconds()),
        "jti": secrets.token_hex(16),
    }
    header = {"alg": "EdDSA", "kid": key.kid}
    return jwt.encode(header, stamped, key, algorithms=["EdDSA"])


def principal_of(claims: Mapping[str, Any]) -> Principal:
    """The principal that verified claims describe; raises `CredentialInvalid` for a bad shape."""
    try:
        roles = frozenset(Role(role) for role in claims.get("roles", []))
        may_enrol = tuple(str(pattern) for pattern in claims.get("may_enrol", []))
    except (ValueError, TypeError) as error:
        raise CredentialInvalid("The credential names a role that does not exist") from error
    if roles & {Role.SERVICE, Role.ANYBODY, Role.ENROLLER}:
        raise CredentialInvalid("The credential names a role that nobody can be given")
    return Principal(
        tenant=_tenant(claims),
        subject=_text(claims, "sub"),
        roles=roles,
        participant=_optional(claims, "participant"),
        participant_type=_optional(claims, "participant_type"),
        owner=_optional(claims, "owner"),
        assurance=_optional(claims, "assurance") or "local",
        may_enrol=may_enrol,
        descent=Descent(
            credential=_optional(claims, "credential"),
            holder=_optional(claims, "holder"),
            enrolled_by=_enrollers(claims),
        ),
    )


def _descent_of_enrolment(claims: Mapping[str, Any]) -> Descent:
    """An enrolment is known by the issuer's record, else by the id of its token."""
    known = _optional(claims, "enrolment") or _optional(claims, "jti")
    subject = _text(claims, "sub")
    return Descent(known or f"subject/{subject}", subject, _enrollers(claims))


def _enrollers(claims: Mapping[str, Any]) -> tuple[Enroller, ...]:
    """``enrolled_by``: pairs of an enrolment's id and its subject."""
    named = claims.get("enrolled_by", [])
    try:
        pairs = [(credential, subject) for credential, subject in named]
    except (TypeError, ValueError) as error:
        raise CredentialInvalid("The credential does not say who enrolled it") from error
    if not all(isinstance(part, str) for pair in pairs for part in pair):
        raise CredentialInvalid("The credential does not say who enrolled it")
    return tuple(Enroller(credential, subject) for credential, subject in pairs)


def _tenant(claims: Mapping[str, Any]) -> str:
    """The tenant: an identifier, as it goes into statements and keys."""
    tenant = _text(claims, "tenant")
    if not is_identifier(tenant):
        raise CredentialInvalid("The credential's tenant is no identifier")
    return tenant


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise CredentialInvalid(f"The credential has no {name}")
    return value


def _optional(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name, "")
    if not isinstance(value, str):
        raise CredentialInvalid(f"The credential's {name} is no text")
    return value


def _seconds(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CredentialInvalid(f"The credential has no {name}")
    return float(value)

"""Makes the keys of a local runtime: its token issuer's, and one for each service.

Ed25519 throughout. Private keys are JWK files that only their owner can read; the public halves lie
beside them as two JWKS files, one of the issuer, one of all services.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from phoenix_runtime.chassis.rpc.credentials import ENROLMENT_AUDIENCE, KeyRing, Verifier, sign
from phoenix_runtime.core.clock import Clock, SteadyClock
from phoenix_runtime.core.errors import CredentialInvalid
from phoenix_runtime.core.ids import NO_ID, is_identifier
from phoenix_runtime.core.principal import Role
from phoenix_runtime.local.data_folder.files import read_as, write_private

ISSUER: Final = "phoenix-dma-local"
OPERATOR_ROLES: Final = [
    Role.OPERATOR,
    Role.SUBMITTER,
    Role.REVIEWER,
    Role.AUDITOR,
    Role.POLICY_ADMIN,
]
AUDIENCE: Final = "phoenix-dma"
TOKEN_LIFE: Final = timedelta(minutes=1)
ENROLMENT_LIFE: Final = timedelta(days=3650)
ISSUER_ENROLMENT_LIFE: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFiles:
    """The paths of the keys; ``services`` maps a service's name to its private key."""

    issuer: Path
    issuer_jwks: Path
    services: dict[str, Path]
    services_jwks: Path


def ensure_keys(folder: Path, services: Iterable[str]) -> KeyFiles:
    """Make the keys that are missing, and write both JWKS files anew."""
    files = ensured_keys(folder, services)
    issuer = _ensure_key(files.issuer)
    members = [_ensure_key(path, owner=name) for name, path in files.services.items()]
    _write_jwks(files.issuer_jwks, [issuer])
    _write_jwks(files.services_jwks, members)
    return files


def ensured_keys(folder: Path, services: Iterable[str]) -> KeyFiles:
    """Return where the keys are that `ensure_keys` made."""
    return KeyFiles(
        issuer=folder / "issuer.jwk",
        issuer_jwks=folder / "issuer.jwks.json",
        services={name: folder / f"{name}.jwk" for name in services},
        services_jwks=folder / "services.jwks.json",
    )


def write_enrolment(file: Path, keys: KeyFiles, *, tenant: str, clock: Clock) -> None:
    """Write the operator's enrolment credential unless the file holds a good one.

    It authenticates no call by itself: the identity service exchanges it for short-lived tokens.
    """
    if file.exists() and _is_good(file.read_text(), keys, tenant, clock):
        return
    claims = {
        "iss": ISSUER,
        "sub": "operator",
        "tenant": tenant,
        "roles": OPERATOR_ROLES,
        "may_enrol": ["*"],
    }
    key = _read_key(keys.issuer)
    token = sign(claims, key, clock, audience=ENROLMENT_AUDIENCE, life=ENROLMENT_LIFE)
    write_private(file, token)


def operator_token(keys: KeyFiles, *, tenant: str, clock: Clock) -> str:
    """Return a token for calls as the operator, good for a minute."""
    claims = {"iss": ISSUER, "sub": "operator", "tenant": tenant, "roles": OPERATOR_ROLES}
    key = _read_key(keys.issuer)
    return sign(claims, key, clock, audience=AUDIENCE, life=TOKEN_LIFE)


def write_issuer_enrolment(file: Path, key: Path, *, tenant: str) -> None:
    """Write an enrolment of the issuer itself for ``tenant``, good for a few minutes.

    It is the first of every descent in that tenant: with it the first operator is enrolled.
    Raises ValueError where ``tenant`` is no id.
    """
    if not is_identifier(tenant):
        raise ValueError(f"{tenant!r} {NO_ID}")
    claims = {"iss": ISSUER, "sub": "issuer", "tenant": tenant, "roles": OPERATOR_ROLES}
    life = ISSUER_ENROLMENT_LIFE
    token = sign(claims, _read_key(key), SteadyClock(), audience=ENROLMENT_AUDIENCE, life=life)
    write_private(file, token)


def _is_good(token: str, keys: KeyFiles, tenant: str, clock: Clock) -> bool:
    rings = KeyRing(keys.issuer_jwks), KeyRing(keys.services_jwks)
    verifier = Verifier(*rings, clock, issuer=ISSUER, audience=ENROLMENT_AUDIENCE)
    try:
        bearer = verifier.enroller(token)
    except CredentialInvalid:
        return False
    return bearer.tenant == tenant and bearer.roles >= set(OPERATOR_ROLES)


def _ensure_key(path: Path, owner: str | None = None) -> OKPKey:
    if path.exists():
        return _read_key(path)
    key = OKPKey.generate_key("Ed25519", {"use": "sig", "alg": "EdDSA"}, auto_kid=True)
    if owner is not None:
        # The key id names the service: nobody accepts another service's name under this key.
        key = OKPKey.import_key({**key.as_dict(private=True), "kid": f"{owner}.{key.thumbprint()}"})
    write_private(path, json.dumps(key.as_dict(private=True)))
    return key


def _read_key(path: Path) -> OKPKey:
    return read_as(path, _key_of)


def _key_of(text: str) -> OKPKey:
    try:
        return OKPKey.import_key(json.loads(text))
    except JoseError as error:
        raise ValueError(str(error)) from error


def _write_jwks(path: Path, keys: list[OKPKey]) -> None:
    public: dict[str, list[Any]] = {"keys": [key.as_dict(private=False) for key in keys]}
    write_private(path, json.dumps(public, indent=2))

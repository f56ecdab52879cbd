"""The keys of a local house: its token issuer's, and one for each service.

Ed25519 throughout. Private keys are JWK files that only their owner can read; the public halves lie
beside them as two JWKS files, one of the issuer, one of all services.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from phoenix_runtime.local.folder import write_private

ALGORITHM: Final = "EdDSA"
ISSUER: Final = "phoenix-dma-local"
ENROL_AUDIENCE: Final = "phoenix-dma-enrol"
OPERATOR_ROLES: Final = ("operator", "submitter", "reviewer", "auditor", "policy_admin")
ENROLMENT_SECONDS: Final = 10 * 365 * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFiles:
    """Where the keys lie; ``services`` maps a service's name to its private key."""

    issuer: Path
    issuer_jwks: Path
    services: dict[str, Path]
    services_jwks: Path


def ensure_keys(folder: Path, services: Iterable[str]) -> KeyFiles:
    """Make the keys that are missing, and write both JWKS files anew."""
    files = KeyFiles(
        issuer=folder / "issuer.jwk",
        issuer_jwks=folder / "issuer.jwks.json",
        services={name: folder / f"{name}.jwk" for name in services},
        services_jwks=folder / "services.jwks.json",
    )
    issuer = _ensure_key(files.issuer)
    members = [_ensure_key(path, owner=name) for name, path in files.services.items()]
    _write_jwks(files.issuer_jwks, [issuer])
    _write_jwks(files.services_jwks, members)
    return files


def write_enrolment(file: Path, issuer_key: Path, *, tenant: str, now: int) -> None:
    """Write the operator's enrolment credential unless the file holds one for this key and tenant.

    It opens no door by itself: the identity service exchanges it for short-lived tokens. ``now`` is
    in seconds since 1970.
    """
    key = _read_key(issuer_key)
    if file.exists() and _still_good(file.read_text(), key, tenant=tenant, now=now):
        return
    claims = {
        "iss": ISSUER,
        "aud": ENROL_AUDIENCE,
        "sub": "operator",
        "tenant": tenant,
        "roles": list(OPERATOR_ROLES),
        "may_enrol": ["*"],
        "iat": now,
        "nbf": now,
        "exp": now + ENROLMENT_SECONDS,
    }
    header = {"alg": ALGORITHM, "kid": key.kid, "typ": "JWT"}
    write_private(file, jwt.encode(header, claims, key, algorithms=[ALGORITHM]))


def _still_good(text: str, key: OKPKey, *, tenant: str, now: int) -> bool:
    try:
        claims = jwt.decode(text, key, algorithms=[ALGORITHM]).claims
    except (JoseError, ValueError):
        return False
    return claims.get("tenant") == tenant and int(claims["exp"]) > now + ENROLMENT_SECONDS // 10


def _ensure_key(path: Path, owner: str | None = None) -> OKPKey:
    if path.exists():
        return _read_key(path)
    key = OKPKey.generate_key("Ed25519", {"use": "sig", "alg": ALGORITHM}, auto_kid=True)
    if owner is not None:
        # Services sign with their name in the key id, so that a log line says whose key it was.
        key = OKPKey.import_key({**key.as_dict(private=True), "kid": f"{owner}.{key.thumbprint()}"})
    write_private(path, json.dumps(key.as_dict(private=True)))
    return key


def _read_key(path: Path) -> OKPKey:
    return OKPKey.import_key(json.loads(path.read_text()))


def _write_jwks(path: Path, keys: list[OKPKey]) -> None:
    public: dict[str, list[Any]] = {"keys": [key.as_dict(private=False) for key in keys]}
    write_private(path, json.dumps(public, indent=2))

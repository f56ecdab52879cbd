"""Keys and credentials for tests: made as the local issuer makes them, kept in one folder."""

import json
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from joserfc.jwk import KeySet, OKPKey

from phoenix_runtime.chassis.rpc.credentials import LONGEST_LIFE, sign
from phoenix_runtime.core.clock import Clock, SteadyClock

SERVICES = ("registry", "assignment", "state", "governance", "gateway")


class Keys:
    """An issuer, the services' keys, and the files that settings point at."""

    def __init__(self, folder: Path, clock: Clock | None = None) -> None:
        self.clock = clock or SteadyClock()
        self.issuer = OKPKey.generate_key("Ed25519", {"kid": "issuer.1"})
        self.services = {
            name: OKPKey.generate_key("Ed25519", {"kid": f"{name}.1"}) for name in SERVICES
        }
        self.issuer_jwks = folder / "issuer.jwks.json"
        self.issuer_jwks.write_text(_public([self.issuer]))
        self.services_jwks = folder / "services.jwks.json"
        self.services_jwks.write_text(_public(self.services.values()))
        self.issuer_key = folder / "issuer.key.json"
        self.issuer_key.write_text(json.dumps(self.issuer.as_dict(private=True)))
        for name, key in self.services.items():
            (folder / f"{name}.key.json").write_text(json.dumps(key.as_dict(private=True)))
        self._folder = folder

    def service_key(self, name: str) -> Path:
        """The private key file of a service."""
        return self._folder / f"{name}.key.json"

    def token(
        self,
        *roles: str,
        key: OKPKey | None = None,
        life: timedelta = LONGEST_LIFE,
        audience: str = "phoenix-dma",
        **claims: Any,
    ) -> str:
        """A caller's credential; ``claims`` override what a genuine one says."""
        said = {
            "iss": "phoenix-dma-local",
            "sub": "somebody",
            "tenant": "default",
            "roles": list(roles),
        }
        return sign(
            {**said, **claims}, key or self.issuer, self.clock, audience=audience, life=life
        )

    def settings(self, service: str) -> dict[str, Any]:
        """What `KeySettings` needs."""
        return {
            "issuer_jwks": self.issuer_jwks,
            "services_jwks": self.services_jwks,
            "service_key": self.service_key(service),
        }


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    """The metadata of a call with ``token``."""
    return (("authorization", f"Bearer {token}"),)


def _public(keys: Iterable[OKPKey]) -> str:
    return json.dumps(KeySet(list(keys)).as_dict(private=False))

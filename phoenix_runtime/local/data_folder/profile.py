"""Writes the operator's profile, in which SDK and command line find the runtime's addresses.

`phoenix_dma.profile` knows its path and reads it::

    tenant = "default"
    data = "…/phoenix-dma"             the data folder, which `status` and `down` follow
    credential = "…/operator.jwt"      the enrolment credential, a file of mode 0600

    [addresses]
    grpc = "127.0.0.1:50050"           the gateway's gRPC port, without TLS
    rest = "http://127.0.0.1:8080"     the gateway's REST port

    [resolve]                          an address that code has written down -> where it is served
    "https://phoenix.example.com" = "127.0.0.1:50050"
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from phoenix_runtime.local.data_folder.files import write_private

PAPER_ADDRESS: Final = "https://phoenix.example.com"
"""The control plane's address in the paper's Figure 3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a client needs; ``grpc`` is host and port, ``rest`` a URL, ``data`` the data folder."""

    grpc: str
    rest: str
    tenant: str
    credential: Path
    data: Path | None = None
    resolve: Mapping[str, str] = field(default_factory=dict)


def write_profile(file: Path, profile: Profile) -> None:
    """Write the profile, readable for its owner alone; make the folder if it is missing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        "# Written by `phoenix-dma up`; found by the SDK and the command line.",
        f"tenant = {_text(profile.tenant)}",
        *([f"data = {_text(str(profile.data))}"] if profile.data else []),
        f"credential = {_text(str(profile.credential))}",
        "",
        "[addresses]",
        f"grpc = {_text(profile.grpc)}",
        f"rest = {_text(profile.rest)}",
        "",
        "[resolve]",
        *(f"{_text(name)} = {_text(place)}" for name, place in profile.resolve.items()),
    ]
    write_private(file, "\n".join(lines) + "\n")


def _text(value: str) -> str:
    # A JSON string without escaped surrogates is a TOML basic string.
    return json.dumps(value, ensure_ascii=False)

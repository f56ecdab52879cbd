"""HTTP clients of servers that run here, without TLS."""

import ssl
from typing import Final

import httpx

from tests.support.waiting.until import PATIENCE

NO_AUTHORITY: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody: to read the machine's authorities takes a client 50 ms of the processor."""


def http_client(base_url: str = "", timeout: float = PATIENCE) -> httpx.AsyncClient:
    """A client that no proxy of the environment leads elsewhere; to be closed by the caller."""
    return httpx.AsyncClient(
        base_url=base_url, timeout=timeout, trust_env=False, verify=NO_AUTHORITY
    )

"""Fixtures of every service's tests."""

from tests.support.servers.sample_server import server_address

__all__ = ["server_address"]

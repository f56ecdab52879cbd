"""Fixtures of the tests of assignment."""

import structlog

from tests.support.servers.assignment_service import assignment
from tests.support.servers.assignment_wire import wired

__all__ = ["assignment", "wired"]

# Neither the ledger nor a directives receiver runs: the relay logs that, and pretty tracebacks
# would take most of the time.
structlog.configure(
    processors=[structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
)

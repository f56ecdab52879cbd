"""What the tests of assignment stand on."""

import structlog

from tests.support.servers.assignment_service import assignment

__all__ = ["assignment"]

# Ledger and courier are not there: the relay says so, and pretty tracebacks would take most of the
# time.
structlog.configure(
    processors=[structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
)

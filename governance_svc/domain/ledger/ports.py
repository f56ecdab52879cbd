"""The ports of the ledger's writer."""

from collections.abc import Sequence
from typing import Protocol

from governance_svc.domain.ledger.entries import Appended, VerifiedEvent


class LedgerWriter(Protocol):
    """The only way into the ledger."""

    async def append(self, tenant: str, events: Sequence[VerifiedEvent]) -> Appended:
        """Append what is new of ``events``, all of it or nothing, and answer once it is durable.

        Raises `AlreadyExists` for an event whose id or aggregate version another event has,
        `QuotaExceeded` where too many events wait already, `Unavailable` without a database.
        """
        ...


class LedgerNotifier(Protocol):
    """Notifies of appends to a ledger."""

    async def wait(self, tenant: str, seconds: float) -> None:
        """Return after the next append to the tenant's ledger, or after ``seconds``."""
        ...

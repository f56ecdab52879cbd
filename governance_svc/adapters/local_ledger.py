"""Delivers governance's own events to its ledger: outbox, relay, ledger, without the wire."""

from collections.abc import Sequence

from governance_svc.domain.ledger.entries import verified
from governance_svc.domain.ledger.ports import LedgerWriter
from phoenix_runtime.core.documents import HashedEvent


class LocalLedger:
    """Implements the relay's `Ledger` with the ledger of this process."""

    def __init__(self, ledger: LedgerWriter) -> None:
        self._ledger = ledger

    async def append(self, tenant: str, events: Sequence[HashedEvent]) -> None:
        """Append ``events``; raises what the ledger raises."""
        await self._ledger.append(tenant, [verified(event) for event in events])

"""What the ledger's use cases need from outside."""

from collections.abc import Sequence
from typing import Protocol

from governance_svc.domain.ledger.entries import Appended, AuditFilter, Entry, Sealed
from governance_svc.domain.ledger.lineage import Family
from phoenix_runtime.core.chain import Fault, Head
from phoenix_runtime.core.events import AuditEvent
from phoenix_runtime.core.pages import Page, PageRequest


class LedgerWriter(Protocol):
    """The one way into the ledger."""

    async def append(self, tenant: str, events: Sequence[Sealed]) -> Appended:
        """Append what is new of ``events``, all of it or nothing, and answer once it is durable.

        Raises `AlreadyExists` for an event whose id or aggregate version another one has,
        `QuotaExceeded` where too much waits already, `Unavailable` without a database.
        """
        ...


class LedgerReader(Protocol):
    """Reads one tenant's ledger."""

    async def page(self, tenant: str, wanted: AuditFilter, page: PageRequest) -> Page[Entry]:
        """What ``wanted`` finds, in the order of the ledger."""
        ...

    async def submission(self, tenant: str, task: str) -> AuditEvent | None:
        """The TASK_SUBMITTED of a task, or None."""
        ...

    async def submissions(self, tenant: str, correlation_id: str) -> tuple[AuditEvent, ...]:
        """Every TASK_SUBMITTED with that correlation id."""
        ...

    async def of_task(self, tenant: str, task: str, types: Sequence[str]) -> tuple[AuditEvent, ...]:
        """The events of these types about one task, by version of the task."""
        ...

    async def lineage(self, tenant: str, family: Family, page: PageRequest) -> Page[Entry]:
        """The lineage of a family, oldest first."""
        ...

    async def by_decision(self, tenant: str, decision_id: str) -> tuple[Entry, ...]:
        """What rests on a decision, oldest first, a bounded few."""
        ...

    async def head(self, tenant: str) -> Head:
        """The end of the tenant's chain."""
        ...

    async def verify(self, tenant: str) -> tuple[Fault, ...]:
        """Recompute every leaf and every link; () where nothing was tampered with (I7)."""
        ...


class Growth(Protocol):
    """Tells that a ledger has grown."""

    async def wait(self, tenant: str, seconds: float) -> None:
        """Return once the tenant's ledger has grown, or after ``seconds``."""
        ...

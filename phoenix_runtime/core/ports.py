"""Ports that more than one service's use cases need."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from phoenix_runtime.core.directives import Directive
from phoenix_runtime.core.events import AuditDraft, ReasonCode
from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.receipt import Receipt
from phoenix_runtime.core.verdict import DecisionPoint, Verdict


class Policy(Protocol):
    """The governance engine as its askers see it."""

    async def evaluate(
        self, call: Call, point: DecisionPoint, inputs: Sequence[JsonObject]
    ) -> tuple[Verdict, ...]:
        """One verdict an input, in order, all against one revision.

        Raises `PolicyEngineUnavailable` where no decision could be had: nothing may change then.
        """
        ...


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a refused call tried, for the audit: ``call`` correlated with what it was about."""

    call: Call
    what: str
    facts: JsonObject


class AccessLog(Protocol):
    """Where a genuine credential that was used for something else is written down."""

    async def refused(
        self,
        call: Call,
        what: str,
        facts: JsonObject,
        reason: ReasonCode = ReasonCode.CREDENTIAL_MISUSED,
    ) -> None:
        """Audit ACCESS_REFUSED, at most a few a minute and caller, with a count.

        ``reason`` tells a credential used for something else from an epoch that is over: whoever
        was away is late, not malicious, and trust weighs it so.
        """
        ...


class Journal(Protocol):
    """What every unit writes beside its rows, in the same commit."""

    async def audit(self, draft: AuditDraft) -> Receipt:
        """Write one audit event; its aggregate version is unique and follows the last one."""
        ...

    async def audit_refusal(self, draft: AuditDraft) -> Receipt:
        """As `audit`, of the call's own refusal, unless the same request has been answered.

        It is repeated then, by whoever sent it twice at once: it is answered and not refused, and
        this unit is rolled back.
        """
        ...

    async def remember(self, result: object) -> None:
        """Store the answer for the call's request id; call it last. No-op without one."""
        ...


class DirectiveJournal(Journal, Protocol):
    """The journal of a service that sends directives, too."""

    async def direct(self, directive: Directive) -> None:
        """Send a directive once this unit has committed; it arrives at least once."""
        ...


UnitT_co = TypeVar("UnitT_co", covariant=True)


class Units(Protocol[UnitT_co]):
    """Opens units: transactions with all repositories of a service."""

    def __call__(self, call: Call) -> AbstractAsyncContextManager[UnitT_co]:
        """Open a unit in the call's tenant; it commits when the block ends without an error."""
        ...

    def reading(self, call: Call) -> AbstractAsyncContextManager[UnitT_co]:
        """Open a read-only unit in the call's tenant; nothing of its journal is kept."""
        ...

    def single(self, call: Call) -> AbstractAsyncContextManager[UnitT_co]:
        """Open a unit of one statement that writes; nothing of its journal is kept."""
        ...

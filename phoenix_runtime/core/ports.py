"""Ports that more than one service's use cases need."""

from collections.abc import Sequence
from typing import Protocol

from phoenix_runtime.core.events import ReasonCode
from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.principal import Call
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

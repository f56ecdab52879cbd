"""Writes down that policy said no, once for as long as it says the same (events: POLICY_DENIED)."""

from collections import OrderedDict

from governance_svc.domain.ports import Units
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.errors import PolicyDenied
from phoenix_runtime.core.events import (
    AuditDraft,
    AuditEventType,
    ReasonCode,
    denial_document,
)
from phoenix_runtime.core.json import Json
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import Verdict

AGAIN_SECONDS = 60.0
"""The same refusal is written again after so long, with what was left out counted."""

REMEMBERED = 10_000


class Refusals:
    """Audits denials of governance's own verbs; a caller that insists does not fill the ledger."""

    def __init__(self, units: Units, clock: Clock) -> None:
        self._units = units
        self._clock = clock
        self._written: OrderedDict[tuple[str, ...], tuple[float, int]] = OrderedDict()

    async def denied(
        self, call: Call, verdict: Verdict, *, task: str = "", about: str
    ) -> PolicyDenied:
        """Audit the denial of ``about``; answers what is to be raised."""
        key = (call.tenant, call.actor, about, verdict.point, verdict.explanation)
        now = self._clock.monotonic()
        at, count = self._written.get(key, (now - AGAIN_SECONDS, 0))
        if now - at >= AGAIN_SECONDS:
            await self._write(call, verdict, task, {"about": about, "repeated": count})
            at, count = now, -1
        self._written[key] = (at, count + 1)
        self._written.move_to_end(key)
        if len(self._written) > REMEMBERED:
            self._written.popitem(last=False)
        return PolicyDenied(verdict)

    async def _write(
        self, call: Call, verdict: Verdict, task: str, detail: dict[str, Json]
    ) -> None:
        async with self._units(call) as unit:
            await unit.audit(
                AuditDraft(
                    type=AuditEventType.POLICY_DENIED,
                    aggregate=f"decision/{verdict.decision_id}",
                    aggregate_version=1,
                    participant=call.principal.participant,
                    task=task,
                    reason_code=ReasonCode.POLICY_DENIED,
                    verdict=verdict,
                    detail={**denial_document(verdict), **detail},
                )
            )

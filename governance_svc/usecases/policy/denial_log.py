"""Audits denials of governance's own verbs, at most once a minute each (events: POLICY_DENIED)."""

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

REPEAT_SECONDS = 60.0
"""The same denial is audited again after this time, with the number of denials left out."""

MAX_DENIALS = 10_000


class DenialLog:
    """Audits denials; a caller that repeats a denied call does not fill the ledger."""

    def __init__(self, units: Units, clock: Clock) -> None:
        self._units = units
        self._clock = clock
        self._audited: OrderedDict[tuple[str, ...], tuple[float, int]] = OrderedDict()

    async def denied(
        self, call: Call, verdict: Verdict, *, task: str = "", about: str
    ) -> PolicyDenied:
        """Audit the denial of ``about`` and answer the error that the caller raises."""
        key = (call.tenant, call.actor, about, verdict.point, verdict.explanation)
        now = self._clock.monotonic()
        audited_at, repeated = self._audited.get(key, (now - REPEAT_SECONDS, 0))
        if now - audited_at >= REPEAT_SECONDS:
            await self._audit(call, verdict, task, {"about": about, "repeated": repeated})
            audited_at, repeated = now, -1
        self._audited[key] = (audited_at, repeated + 1)
        self._audited.move_to_end(key)
        if len(self._audited) > MAX_DENIALS:
            self._audited.popitem(last=False)
        return PolicyDenied(verdict)

    async def _audit(
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

"""Audits genuine credentials that were used for something else (ACCESS_REFUSED)."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

from prometheus_client import Counter

from phoenix_runtime.chassis.data.unit import Units
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.events import AuditDraft, AuditEventType, ReasonCode
from phoenix_runtime.core.ids import NewId
from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.principal import Call

A_MINUTE: Final = 60.0
EVENTS_A_MINUTE: Final = 3
CALLERS: Final = 10_000
"""Callers whose counts are held at most; the one without a refusal for longest is dropped first."""
REFUSED: Final = Counter(
    "phoenix_dma_access_refused_total", "Genuine credentials used for something else", ["reason"]
)
"""Counts every refusal, whereas the audit has a few a minute and caller, with a count."""


@dataclass(slots=True)
class _Window:
    """One caller's current minute, by the monotonic clock."""

    begun: float
    written: int = 0
    unwritten: int = 0


class OutboxAccessLog:
    """Implements `core.ports.AccessLog`: an ACCESS_REFUSED event in a transaction of its own.

    At most three a minute and caller are written. What is not is counted, and the caller's next
    event says how many it stands for.
    """

    def __init__(self, units: Units[Any], *, clock: Clock, new_id: NewId) -> None:
        self._units = units
        self._clock = clock
        self._new_id = new_id
        self._windows: OrderedDict[tuple[str, str], _Window] = OrderedDict()

    async def refused(
        self,
        call: Call,
        what: str,
        facts: JsonObject,
        reason: ReasonCode = ReasonCode.CREDENTIAL_MISUSED,
    ) -> None:
        """Audit that ``call`` tried ``what``; raises `core.errors.Unavailable`."""
        REFUSED.labels(reason.value).inc()
        window = self._window(call)
        if window.written >= EVENTS_A_MINUTE:
            window.unwritten += 1
            return
        window.written += 1
        count, window.unwritten = window.unwritten + 1, 0
        try:
            await self._write(call, reason, {"attempted": what, "count": count, "facts": facts})
        except BaseException:
            window.unwritten += count
            raise

    def _window(self, call: Call) -> _Window:
        key = (call.tenant, call.actor)
        now = self._clock.monotonic()
        window = self._windows.pop(key, None) or _Window(now)
        if now - window.begun >= A_MINUTE:
            window = _Window(now, unwritten=window.unwritten)
        self._windows[key] = window
        if len(self._windows) > CALLERS:
            self._windows.popitem(last=False)
        return window

    async def _write(self, call: Call, reason: ReasonCode, detail: JsonObject) -> None:
        async with self._units(call) as unit:
            await unit.audit(
                AuditDraft(
                    type=AuditEventType.ACCESS_REFUSED,
                    aggregate=f"refusal/{self._new_id('refusal')}",
                    aggregate_version=1,
                    participant=call.principal.participant,
                    reason_code=reason,
                    detail=detail,
                )
            )

"""What holds for the calls of tools: as what each is authorised, and how often it may be made."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from phoenix_dma.adapters.governance import ANY_TOOL, ToolAction
from phoenix_dma.errors import QuotaExceeded

ORDINARY_CALLS: Final = 60
ORDINARY_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRule:
    """What holds for a tool.

    ``action`` is what a call of it is to policy; a server's own word that its tool only reads is no
    ground for it. At most ``calls`` are made at once, and as many again in ``seconds``.
    ``idempotent``: the tool does nothing twice under one authorization id, so that `once` may
    repeat a call of which nobody knows whether it was made.
    """

    action: ToolAction = ANY_TOOL
    calls: int = ORDINARY_CALLS
    seconds: float = ORDINARY_SECONDS
    idempotent: bool = False


class ToolRules:
    """The rules of tools by name, ``otherwise`` for all others, and the calls made so far.

    One object bounds the calls of everybody who shares it, such as all tasks of one process. The
    runtime's own quotas bound a tenant's calls to the runtime, and know no tools.
    """

    def __init__(
        self,
        rules: Mapping[str, ToolRule] | None = None,
        *,
        otherwise: ToolRule | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rules = dict(rules or {})
        self._otherwise = otherwise or ToolRule()
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def of(self, tool: str) -> ToolRule:
        """The rule that holds for a tool."""
        return self._rules.get(tool, self._otherwise)

    def take(self, tool: str) -> float:
        """Count a call and return 0; where it is one too many, the seconds until there is one."""
        rule, now = self.of(tool), self._clock()
        bucket = self._buckets.setdefault(tool, _Bucket(float(rule.calls), now))
        return bucket.take(rule, now)

    def refusal(self, tool: str, wait: float) -> QuotaExceeded:
        """The error of a call that is one too many; facts: tool, limit, retry_after_seconds."""
        rule = self.of(tool)
        limit = f"{rule.calls} in {rule.seconds:g} s"
        facts = {"tool": tool, "limit": limit, "retry_after_seconds": f"{wait:.3f}"}
        remedy = f"Wait {wait:.1f} s, or call less."
        return QuotaExceeded(f"{tool} may be called {limit}", facts, remedy=remedy)


@dataclass(slots=True)
class _Bucket:
    """A token bucket: what is left of it, and when that was so, in seconds of the clock."""

    left: float
    since: float

    def take(self, rule: ToolRule, now: float) -> float:
        """Take one; the seconds until there is one where there is none."""
        per_second = rule.calls / rule.seconds
        self.left = min(float(rule.calls), self.left + (now - self.since) * per_second)
        self.since = now
        if self.left < 1.0:
            return (1.0 - self.left) / per_second
        self.left -= 1.0
        return 0.0

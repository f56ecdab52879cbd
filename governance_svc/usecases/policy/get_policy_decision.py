"""Reads a decision that had an effect from the audit."""

from dataclasses import dataclass

from governance_svc.domain.policy.decision_document import verdict_of
from governance_svc.domain.ports import Units
from phoenix_runtime.core.errors import NotFound
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import Verdict


@dataclass(frozen=True, slots=True)
class PolicyDecision:
    """A decision, and the audit events that rest on it, oldest first."""

    verdict: Verdict
    audit_event_ids: tuple[str, ...]


class GetPolicyDecision:
    """Reads a decision from the event of what it decided, because evaluating writes nothing."""

    def __init__(self, units: Units) -> None:
        self._units = units

    async def __call__(self, call: Call, decision_id: str) -> PolicyDecision:
        """Raises `NotFound` for a decision without effect, and before its event has arrived."""
        async with self._units.reading(call) as unit:
            entries = await unit.entries_by_decision(decision_id)
        if not entries:
            raise NotFound("policy decision", decision_id)
        verdict = verdict_of(entries[0].event.policy_decision)
        return PolicyDecision(verdict, tuple(entry.event.event_id for entry in entries))

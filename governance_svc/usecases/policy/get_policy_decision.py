"""Reads a decision that had an effect, from the audit."""

from dataclasses import dataclass

from governance_svc.domain.ledger.ports import LedgerReader
from governance_svc.domain.policy.decision_document import verdict_of
from phoenix_runtime.core.errors import NotFound
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision, and the audit events that rest on it, oldest first."""

    verdict: Verdict
    audit_event_ids: tuple[str, ...]


class GetPolicyDecision:
    """Evaluating writes nothing: a decision is found in the event of what it decided."""

    def __init__(self, ledger: LedgerReader) -> None:
        self._ledger = ledger

    async def __call__(self, call: Call, decision_id: str) -> Decision:
        """Raises `NotFound` for a decision without effect, and for one that is still on its way."""
        entries = await self._ledger.by_decision(call.tenant, decision_id)
        if not entries:
            raise NotFound("policy decision", decision_id)
        verdict = verdict_of(entries[0].event.policy_decision)
        return Decision(verdict, tuple(entry.event.event_id for entry in entries))

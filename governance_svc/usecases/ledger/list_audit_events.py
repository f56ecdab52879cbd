"""Lists the entries of the ledger by filter, for callers whom audit.read allows it."""

from governance_svc.domain.ledger.entries import AuditFilter, Entry
from governance_svc.domain.ports import Units
from governance_svc.usecases.policy.denial_log import DenialLog
from phoenix_runtime.core.errors import FieldInvalid, Violation
from phoenix_runtime.core.pages import Page, PageRequest
from phoenix_runtime.core.ports import Policy
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import DecisionPoint

MAX_TYPES = 64


class ListAuditEvents:
    """Lists by the ledger's sequence, so that a reader of pages misses no late event."""

    def __init__(self, units: Units, policy: Policy, denials: DenialLog) -> None:
        self._units = units
        self._policy = policy
        self._denials = denials

    async def __call__(self, call: Call, wanted: AuditFilter, page: PageRequest) -> Page[Entry]:
        """A page; raises `FieldInvalid`, `PolicyDenied`, `PolicyEngineUnavailable`."""
        if len(wanted.types) > MAX_TYPES:
            raise FieldInvalid([Violation("type", f"at most {MAX_TYPES}")])
        policy_input = {"filter": wanted.document()}
        (verdict,) = await self._policy.evaluate(call, DecisionPoint.READ_AUDIT, [policy_input])
        if not verdict.allowed:
            raise await self._denials.denied(call, verdict, about="audit")
        async with self._units.reading(call) as unit:
            return await unit.list_entries(wanted, page)

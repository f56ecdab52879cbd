"""Reads the ledger by filter, for those whom audit.read lets."""

from governance_svc.domain.ledger.entries import AuditFilter, Entry
from governance_svc.domain.ledger.ports import LedgerReader
from governance_svc.usecases.policy.denial_log import Refusals
from phoenix_runtime.core.errors import FieldInvalid, Violation
from phoenix_runtime.core.pages import Page, page_request
from phoenix_runtime.core.ports import Policy
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import DecisionPoint

MOST_TYPES = 64


class ListAuditEvents:
    """In the order of the ledger, so that whoever pages on misses nothing that arrives late."""

    def __init__(self, ledger: LedgerReader, policy: Policy, refusals: Refusals) -> None:
        self._ledger = ledger
        self._policy = policy
        self._refusals = refusals

    async def __call__(
        self, call: Call, wanted: AuditFilter, page_size: int, page_token: str
    ) -> Page[Entry]:
        """A page; raises `FieldInvalid`, `PolicyDenied`, `PolicyEngineUnavailable`."""
        if len(wanted.types) > MOST_TYPES:
            raise FieldInvalid([Violation("type", f"at most {MOST_TYPES}")])
        page = page_request(page_size, page_token, wanted.document())
        question = {"filter": wanted.document()}
        (verdict,) = await self._policy.evaluate(call, DecisionPoint.READ_AUDIT, [question])
        if not verdict.allowed:
            raise await self._refusals.denied(call, verdict, about="audit")
        return await self._ledger.page(call.tenant, wanted, page)

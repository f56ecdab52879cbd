"""The lineage of a task with its children (paper, section 11)."""

from dataclasses import dataclass

from governance_svc.domain.ledger.entries import Entry
from governance_svc.domain.ledger.lineage import HOLDING, Family, family, holder
from governance_svc.domain.ledger.ports import Growth, LedgerReader
from governance_svc.usecases.policy.denial_log import Refusals
from phoenix_runtime.core.errors import NotFound
from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.pages import Page, page_request
from phoenix_runtime.core.ports import Policy
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import DecisionPoint, Verdict

LOOKS = 5
LOOK_SECONDS = 0.2
"""An owner that asks right after it took over may be ahead of the event that says so."""


@dataclass(frozen=True, slots=True)
class LineagePorts:
    """What reading a lineage needs."""

    ledger: LedgerReader
    growth: Growth
    policy: Policy
    refusals: Refusals


@dataclass(frozen=True, slots=True)
class _Known:
    """What the ledger says of a task: its family and who holds it."""

    family: Family | None
    assignee: str


class GetLineage:
    """Whoever holds a task may read its lineage, its submitter too, an offered target not."""

    def __init__(self, ports: LineagePorts) -> None:
        self._ports = ports

    async def __call__(
        self, call: Call, task_id: str, page_size: int, page_token: str
    ) -> Page[Entry]:
        """A page; raises `NotFound`, `FieldInvalid`, `PolicyDenied`, `PolicyEngineUnavailable`."""
        page = page_request(page_size, page_token, {"lineage": task_id})
        found = await self._allowed(call, task_id)
        return await self._ports.ledger.lineage(call.tenant, found, page)

    async def _allowed(self, call: Call, task_id: str) -> Family:
        """The family, where the caller may read it now or in a moment."""
        verdict: Verdict | None = None
        asked: _Known | None = None
        for look in range(LOOKS):
            if look:
                await self._ports.growth.wait(call.tenant, LOOK_SECONDS)
            known = await self._look(call, task_id)
            if known.family is None or known == asked:
                continue
            asked = known
            verdict = await self._ask(call, known.family, known.assignee)
            if verdict.allowed:
                return known.family
        if verdict is None or asked is None or asked.family is None:
            raise NotFound("task", task_id)
        about = call.about(asked.family.correlation_id)
        raise await self._ports.refusals.denied(
            about, verdict, task=task_id, about=f"task/{task_id}"
        )

    async def _look(self, call: Call, task_id: str) -> _Known:
        ledger = self._ports.ledger
        submission = await ledger.submission(call.tenant, task_id)
        if submission is None:
            return _Known(None, "")
        related = await ledger.submissions(call.tenant, submission.correlation_id)
        held = holder(await ledger.of_task(call.tenant, task_id, HOLDING))
        return _Known(family(task_id, related), held)

    async def _ask(self, call: Call, found: Family, assignee: str) -> Verdict:
        question: JsonObject = {
            "filter": {"task": found.task},
            "task": {"task_id": found.task, "submitter": found.submitter, "assignee": assignee},
        }
        (verdict,) = await self._ports.policy.evaluate(call, DecisionPoint.READ_AUDIT, [question])
        return verdict

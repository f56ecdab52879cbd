"""Reads the lineage of a task with its children (paper, section 11)."""

from dataclasses import dataclass

from governance_svc.domain.ledger.entries import Entry
from governance_svc.domain.ledger.lineage import (
    OWNERSHIP_TYPES,
    Family,
    family,
    holder,
    latest_epoch,
)
from governance_svc.domain.ledger.ports import LedgerNotifier
from governance_svc.domain.ports import Units
from governance_svc.usecases.policy.denial_log import DenialLog
from phoenix_runtime.core.errors import FieldInvalid, NotFound, Unavailable, Violation
from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.pages import Page, page_request
from phoenix_runtime.core.ports import Policy
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import DecisionPoint, Verdict

READS = 5
AHEAD = 16
"""Epochs that an owner may be ahead of the ledger; a caller that names more is judged at once."""
READ_AGAIN_SECONDS = 0.2
"""An owner that reads right after it took over may be ahead of the event that makes it the owner:
the ledger is read again after the next append, at the latest after this time."""


@dataclass(frozen=True, slots=True)
class _TaskOwnership:
    """A task's family, and its holder, according to the ledger."""

    family: Family | None
    assignee: str
    epoch: int
    """The latest epoch that it tells of; 0 for none."""


class GetLineage:
    """Lets the holder of a task and its submitter read its lineage, but no target of an offer."""

    def __init__(
        self, units: Units, notifier: LedgerNotifier, policy: Policy, denials: DenialLog
    ) -> None:
        self._units = units
        self._notifier = notifier
        self._policy = policy
        self._denials = denials

    async def __call__(
        self, call: Call, task_id: str, page_size: int, page_token: str, *, epoch: int = 0
    ) -> Page[Entry]:
        """A page; raises `NotFound`, `FieldInvalid`, `PolicyDenied`, `PolicyEngineUnavailable`.

        ``epoch`` is that of a holder that asks. Raises `Unavailable` where the ledger does not know
        of it yet: nobody is denied for an event that is still on its way.
        """
        if epoch < 0:
            raise FieldInvalid([Violation("epoch", "is negative; leave it out, or name yours")])
        page = page_request(page_size, page_token, {"lineage": task_id})
        allowed = await self._allowed(call, task_id, epoch)
        async with self._units.reading(call) as unit:
            return await unit.lineage(allowed, page)

    async def _allowed(self, call: Call, task_id: str, epoch: int) -> Family:
        """The family, where the caller may read it now or after the next appends."""
        verdict: Verdict | None = None
        judged: _TaskOwnership | None = None
        told_of = 0
        for read in range(READS):
            if read:
                await self._notifier.wait(call.tenant, READ_AGAIN_SECONDS)
            ownership = await self._read(call, task_id)
            told_of = ownership.epoch
            if ownership.family is None or ownership == judged:
                continue
            judged = ownership
            verdict = await self._judge(call, ownership.family, ownership.assignee)
            if verdict.allowed:
                return ownership.family
        if call.principal.participant and told_of < epoch <= told_of + AHEAD:
            text = f"The ledger has not been told of epoch {epoch} of this task yet; try again"
            raise Unavailable(text)
        if verdict is None or judged is None or judged.family is None:
            raise NotFound("task", task_id)
        about = call.about(judged.family.correlation_id)
        raise await self._denials.denied(about, verdict, task=task_id, about=f"task/{task_id}")

    async def _read(self, call: Call, task_id: str) -> _TaskOwnership:
        async with self._units.reading(call) as unit:
            submission = await unit.submission_of(task_id)
            if submission is None:
                return _TaskOwnership(None, "", 0)
            related = await unit.submissions(submission.correlation_id)
            events = await unit.events_of_task(task_id, OWNERSHIP_TYPES)
        return _TaskOwnership(family(task_id, related), holder(events), latest_epoch(events))

    async def _judge(self, call: Call, read: Family, assignee: str) -> Verdict:
        policy_input: JsonObject = {
            "filter": {"task": read.task},
            "task": {"task_id": read.task, "submitter": read.submitter, "assignee": assignee},
        }
        (verdict,) = await self._policy.evaluate(call, DecisionPoint.READ_AUDIT, [policy_input])
        return verdict

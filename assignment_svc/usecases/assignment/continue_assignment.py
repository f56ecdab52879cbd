"""Goes on with an assignment after a human has decided: bind the target, or look for another."""

from assignment_svc.domain.approval import REFUSAL_REASONS, Approval
from assignment_svc.domain.discovery import Ranked
from assignment_svc.domain.lifecycle import TaskVerb
from assignment_svc.domain.predicates import CandidateLost, StaleRead, unchanged, waits_for
from assignment_svc.domain.states import ApprovalState, ParkedAction
from assignment_svc.domain.task import Task
from assignment_svc.usecases.assignment.alternatives import passed_over
from assignment_svc.usecases.assignment.bind import BindRequest, BindTask
from assignment_svc.usecases.assignment.candidates import CandidateSearch, SearchResult
from assignment_svc.usecases.assignment.park import ParkAssignment, ParkRequest
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import TaskTransaction
from assignment_svc.usecases.steps.unpark import Unparking, unpark
from phoenix_runtime.core.errors import PolicyDenied
from phoenix_runtime.core.events import ReasonCode
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import Effect


class ContinueAssignment:
    """Uses a yes by asking policy once more with it; a no leads back to PENDING."""

    def __init__(
        self, ports: Ports, search: CandidateSearch, bind: BindTask, park: ParkAssignment
    ) -> None:
        self._ports = ports
        self._search = search
        self._bind = bind
        self._park = park

    async def __call__(self, call: Call, approval: Approval) -> None:
        """Go on; nothing where the task waits for another answer by now.

        Raises `Unavailable` and `PolicyEngineUnavailable`.
        """
        for _ in range(self._ports.rules.rounds):
            async with self._ports.units.reading(call) as unit:
                task = await unit.find_task(approval.task_id)
            if task is None or not waits_for(task, approval.approval_id, ParkedAction.ASSIGN):
                return
            try:
                await self._once(call.about(task.correlation_id), task, approval)
            except StaleRead:
                continue
            return

    async def _once(self, call: Call, task: Task, approval: Approval) -> None:
        if approval.state is not ApprovalState.APPROVED:
            reason = REFUSAL_REASONS[approval.state]
            await self._unpark(call, task, _refused(reason, approval.comment or reason.value))
            return
        try:
            await self._use(call, task, approval.target)
        except CandidateLost as loss:
            await self._unpark(call, task, Unparking(ReasonCode.GATE_CLOSED, loss.because))
        except PolicyDenied as denial:
            why = denial.verdict.explanation
            await self._unpark(call, task, _refused(ReasonCode.POLICY_DENIED, why))

    async def _use(self, call: Call, task: Task, target: str) -> None:
        """Search and evaluate anew: days may have passed since the question was asked."""
        found = await self._search.find(call, task)
        chosen = _candidate(found, target)
        evaluation, subject = await self._search.evaluate(call, found, chosen)
        others = (*found.lost, *passed_over(found.ranked, chosen))
        bind = BindRequest(task, evaluation, others)
        if evaluation.verdict.effect is Effect.REQUIRE_APPROVAL:
            await self._park(call, ParkRequest(bind, subject))
        elif evaluation.verdict.effect is Effect.ALLOW:
            await self._bind(call, bind)
        else:
            raise PolicyDenied(evaluation.verdict)

    async def _unpark(self, call: Call, read: Task, unparking: Unparking) -> None:
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(read.task_id)
            unchanged(read, task)
            if task.parked is None:
                raise StaleRead
            await unpark(transaction, task, task.parked, unparking)


def _refused(reason: ReasonCode, why: str) -> Unparking:
    """Back to PENDING; policy remembers the no, so the same subject is not proposed again."""
    return Unparking(reason, why, verb=TaskVerb.REFUSED_ASSIGNMENT, withdraw=False)


def _candidate(found: SearchResult, target: str) -> Ranked:
    """The approved target among those who were found; raises `CandidateLost`."""
    for ranked in found.ranked:
        if ranked.candidate.participant_id == target:
            return ranked
    because = (one.because for one in found.lost if one.participant_id == target)
    raise CandidateLost("active", next(because, "it is not to be found any more"))

"""Resumes tasks: a newer instance of a participant takes up what it still holds or has lost.

Equal generation: a mere reconnect, nothing is burnt. Newer: new epochs, so nothing that the older
instance writes counts. Out of MIGRATING it is a bind like any other.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from assignment_svc.domain.approval import assignment_subject
from assignment_svc.domain.discovery import Evaluation
from assignment_svc.domain.predicates import CandidateLost, StaleRead, covers, seats_of, unchanged
from assignment_svc.domain.task import Task
from assignment_svc.domain.task_transitions import resume_settled
from assignment_svc.usecases.steps.approval_requests import current_approvals
from assignment_svc.usecases.steps.briefing import Briefing, briefing_of
from assignment_svc.usecases.steps.documents import (
    approval_documents,
    policy_task,
    standing_document,
)
from assignment_svc.usecases.steps.losses import (
    abandon,
    apart_from,
    lock_held,
    lose,
    lost_for_good,
)
from assignment_svc.usecases.steps.permissions import acting_participant, refusals_audited
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import TaskTransaction
from assignment_svc.usecases.tasks.resuming import give_back, may_return, renew
from phoenix_runtime.core.errors import NotFound, NotPermitted
from phoenix_runtime.core.events import ReasonCode
from phoenix_runtime.core.json import Json
from phoenix_runtime.core.pages import LARGEST_SIZE, PAGE_BYTES, PageRequest, page_request
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.receipt import Receipt
from phoenix_runtime.core.standing import ParticipantStatus, Standing
from phoenix_runtime.core.verdict import DecisionPoint, Effect


@dataclass(frozen=True, slots=True)
class Resumed:
    """A page of what the caller holds now; a receipt for each task that changed.

    ``next_token`` is empty on the last page; what comes after it is not taken up yet.
    """

    briefings: tuple[Briefing, ...]
    receipts: tuple[Receipt, ...]
    next_token: str = ""


FIRST_PAGE = page_request(LARGEST_SIZE, "", "")
HELD, LEFT = "held", "left"
"""The stages, in order: tasks that are still held, and those that were taken away."""


class ResumeTasks:
    """Gives a participant its own tasks under its present generation."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(
        self,
        call: Call,
        generation: int,
        page: PageRequest = FIRST_PAGE,
        weigh: Callable[[Briefing], int] = lambda _: 0,
    ) -> Resumed:
        """Resume a page. Raises `NotFound`, and `NotPermitted` for any but the present generation.

        ``weigh`` says how many bytes of the answer a briefing takes: a page ends by them as well.
        """
        participant = acting_participant(call)
        briefings: list[Briefing] = []
        receipts: list[Receipt] = []
        size = 0
        async with refusals_audited(self._ports, call, "ResumeTasks"):
            standing, _ = await self._standing(call, participant, generation)
            steps = await self._steps(call, participant, page.after)
            for number, step in enumerate(steps):
                if step[0] == LEFT and (number == 0 or steps[number - 1][0] == HELD):
                    await self._first_beat(call, standing)
                briefing, receipt = await self._resume(call, step, standing)
                receipts += [receipt] if receipt else []
                if briefing is None:
                    continue
                briefings.append(briefing)
                size += weigh(briefing)
                full = size >= PAGE_BYTES or len(briefings) >= page.size
                if full and step != steps[-1]:
                    return Resumed(tuple(briefings), tuple(receipts), page.token(step))
        return Resumed(tuple(briefings), tuple(receipts))

    async def _steps(
        self, call: Call, participant: str, after: tuple[str, ...]
    ) -> list[tuple[str, str]]:
        """Stage and task of everything that is to be resumed after a page, in order."""
        async with self._ports.units.reading(call) as unit:
            held = await unit.held_by(participant)
            left = [handoff.task_id for handoff in await unit.handoffs_from(participant)]
        steps = [*((HELD, task_id) for task_id in held), *((LEFT, task_id) for task_id in left)]
        # Sorted here: a database may order ids otherwise than pages are compared.
        return [step for step in sorted(steps) if step > after]

    async def _resume(
        self, call: Call, step: tuple[str, str], standing: Standing
    ) -> tuple[Briefing | None, Receipt | None]:
        stage, task_id = step
        if stage == HELD:
            taken_up = await self._take_up(call, task_id, standing)
            if taken_up is not None:
                return taken_up
            # It was taken away since the tasks were read, and nobody asks for it again.
            await self._first_beat(call, standing)
        return await self._return(call, task_id, standing.generation) or (None, None)

    async def _standing(
        self, call: Call, participant: str, generation: int
    ) -> tuple[Standing, float]:
        """The registry's standing and when it was asked; the generation has to be its newest."""
        asked_at = self._ports.clock.monotonic()
        standing = (await self._ports.registry.standings(call, [participant])).get(participant)
        if standing is None:
            raise NotFound("participant", participant)
        if generation != standing.generation:
            text = f"Generation {generation} is not the registry's {standing.generation}"
            facts = {"generation": generation, "current_generation": standing.generation}
            remedy = "Use the generation of the newest registration; of an older one, end."
            raise NotPermitted(text, facts, remedy=remedy)
        return standing, asked_at

    async def _first_beat(self, call: Call, standing: Standing) -> None:
        """Wait until the registry has received a heartbeat of this generation, for some seconds.

        Before that its gate is closed: what was taken away, and nobody else has, would not be given
        back, and a participant that registers, beats and resumes at once would never ask again.
        """
        for pause in self._ports.rules.first_beat:
            if standing.status not in {ParticipantStatus.REGISTERED, ParticipantStatus.DEGRADED}:
                return
            await asyncio.sleep(pause)
            standing, _ = await self._standing(call, standing.participant_id, standing.generation)

    async def _take_up(
        self, call: Call, task_id: str, standing: Standing
    ) -> tuple[Briefing | None, Receipt | None] | None:
        """A task that is still held: the same epoch for the same generation, else a new one.

        None where the participant does not hold it any more.
        """
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(task_id)
            binding = task.binding
            if binding is None or binding.participant_id != standing.participant_id:
                return None
            if binding.generation >= standing.generation:
                if task.resume_due_at is not None and binding.generation == standing.generation:
                    task = resume_settled(task)
                    await unit.save_task(task)
                return await briefing_of(unit, task), None
            held = await lock_held(transaction, task_id)
            if not covers(standing, task.spec):
                why = "its grants do not cover the task any more"
                await lose(transaction, held, reason=ReasonCode.UNAUTHORIZED, why=why)
                await transaction.finish()
                return None, None
            if lost_for_good(task, ReasonCode.PARTICIPANT_RETURNED):
                _, receipt = await abandon(transaction, held, ReasonCode.PARTICIPANT_RETURNED)
                await transaction.finish()
                return None, receipt
            if other := await apart_from(transaction, task, ReasonCode.PARTICIPANT_RETURNED):
                why = f"its owner came back and goes on with {other}: the two are kept apart"
                await lose(transaction, held, reason=ReasonCode.PARTICIPANT_RETURNED, why=why)
                await transaction.finish()
                return None, None
            transaction.put_gate(transaction.gate(standing.participant_id).brought_up(standing))
            saved, receipt = await renew(transaction, task, standing, binding.decision_id)
            await transaction.finish()
            return await briefing_of(unit, saved), receipt

    async def _return(
        self, call: Call, task_id: str, generation: int
    ) -> tuple[Briefing, Receipt] | None:
        """A task that was taken away and is with nobody yet; None where it stays so."""
        for _ in range(self._ports.rules.rounds):
            try:
                return await self._bind_again(call, task_id, generation)
            except StaleRead:
                continue
            except CandidateLost:
                return None
        return None

    async def _bind_again(
        self, call: Call, task_id: str, generation: int
    ) -> tuple[Briefing, Receipt] | None:
        async with self._ports.units.reading(call) as unit:
            read = await unit.find_task(task_id)
            handoff = (await unit.open_handoffs([task_id])).get(task_id)
        if read is None or not may_return(read, handoff, call.principal.participant):
            return None
        evaluation = await self._evaluate(call.about(read.correlation_id), read, generation)
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(task_id)
            unchanged(read, task)
            handoff = (await unit.open_handoffs([task_id])).get(task_id)
            if handoff is None or not may_return(task, handoff, call.principal.participant):
                raise StaleRead
            await transaction.lock_gates(seats_of(task, handoff))
            transaction.rely_on(evaluation)
            await transaction.admit(evaluation.standing, task)
            saved, receipt = await give_back(transaction, task, handoff, evaluation)
            await transaction.finish()
            return await briefing_of(unit, saved), receipt

    async def _evaluate(self, call: Call, task: Task, generation: int) -> Evaluation:
        """`task.assign`, as for anybody; raises `CandidateLost` where it is no plain yes."""
        ports, participant = self._ports, call.principal.participant
        standing, asked_at = await self._standing(call, participant, generation)
        subject = assignment_subject(task, participant)
        known = await current_approvals(ports, call, task.task_id, subject)
        question: dict[str, Json] = {
            "task": policy_task(task),
            "candidate": standing_document(standing),
            "subject_hash": subject.hash,
            "approvals": approval_documents(known),
        }
        decision_asked_at = ports.clock.monotonic()
        (verdict,) = await ports.policy.evaluate(call, DecisionPoint.ASSIGN, [question])
        if verdict.effect is not Effect.ALLOW:
            raise CandidateLost("policy_allows", verdict.explanation)
        return Evaluation(standing, verdict, asked_at, decision_asked_at)

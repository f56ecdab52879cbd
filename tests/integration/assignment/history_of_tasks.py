"""The rules about tasks: submitted, worked on by agents and zombies, cancelled."""

from collections.abc import Callable
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import (
    rule,
)

from assignment_svc.domain.states import ActionKind
from assignment_svc.usecases.actions.action import Action
from assignment_svc.usecases.tasks.complete_task import TaskResult
from assignment_svc.usecases.tasks.fail_task import Failure
from assignment_svc.usecases.tasks.record_checkpoint import Checkpoint
from phoenix_runtime.core.errors import Refused
from phoenix_runtime.core.json import content_hash
from tests.integration.assignment.history import PICK, History, Step
from tests.support.servers.assignment_service import declaration


class Tasks(History):
    """Tasks and what their assignees do, under any epoch that they ever had."""

    # ---- tasks

    @rule(
        priority=st.integers(0, 3),
        attempts=st.integers(1, 3),
        limited=st.booleans(),
        assigned=st.booleans(),
    )
    def somebody_submits(
        self, priority: int, attempts: int, *, limited: bool, assigned: bool
    ) -> None:
        if len(self.tasks) >= 6:
            return
        task_id = f"task.{next(self.numbers)}"
        self.tasks.append(task_id)
        declared = declaration(
            task_id,
            priority=priority,
            max_attempts=attempts,
            attempt_timeout=timedelta(seconds=30) if limited else None,
        )
        verbs = self.runtime.tasks
        verb = verbs.assign if assigned else verbs.submit
        self.run(verb(self.runtime.submitter, declared))

    @rule(pick=PICK, detached=st.booleans())
    def an_assignee_submits_a_child(self, pick: int, *, detached: bool) -> None:
        if not self.epochs:
            return
        who, parent, epoch = self.epochs[pick % len(self.epochs)]
        if len(self.tasks) >= 8:
            return
        task_id = f"task.{next(self.numbers)}"
        declared = declaration(
            task_id, parent_task_id=parent, parent_epoch=epoch, detached=detached
        )
        held = self.holds(who, parent, epoch)
        answer = self.run(self.runtime.tasks.submit(self.runtime.agent(who), declared))
        if not isinstance(answer, Refused):
            assert held, f"{who} has a child under the burnt epoch {epoch} of {parent}"
            self.tasks.append(task_id)

    @rule(
        pick=PICK,
        verb=st.sampled_from(["start", "decline", "fail", "complete", "authorize"]),
        zombie=st.booleans(),
    )
    def an_agent_acts(self, pick: int, verb: str, *, zombie: bool) -> None:
        if not self.epochs:
            return
        who, task_id, epoch = self.somebody(pick, zombie=zombie)
        held = self.holds(who, task_id, epoch)
        answer = self.run(self.deed(verb, who, task_id, epoch))
        if not isinstance(answer, Refused) and verb != "complete":
            assert held, f"{verb} by {who} was accepted under the burnt epoch {epoch}"

    @rule(pick=PICK, behind=st.integers(0, 2), content=st.integers(0, 3), zombie=st.booleans())
    def an_agent_checkpoints(self, pick: int, behind: int, content: int, *, zombie: bool) -> None:
        if not self.epochs:
            return
        who, task_id, epoch = self.somebody(pick, zombie=zombie)
        held = self.holds(who, task_id, epoch)
        answer = self.run(self.checkpoint(who, task_id, epoch, (behind, content)))
        if not isinstance(answer, Refused):
            assert held, f"a checkpoint by {who} was accepted under the burnt epoch {epoch}"

    async def checkpoint(self, who: str, task_id: str, epoch: int, what: tuple[int, int]) -> object:
        behind, content = what
        task = await self.runtime.task(task_id)
        newest = task.pointer.version if task.pointer else 0
        hashed = content_hash({"content": content})
        return await self.runtime.tasks.record(
            self.runtime.agent(who),
            Checkpoint(task_id, epoch, max(0, newest - behind), hashed, 10),
        )

    def deed(self, verb: str, who: str, task_id: str, epoch: int) -> Step:
        """One verb of an assignee, or of somebody who takes itself for one."""
        verbs, caller = self.runtime.tasks, self.runtime.agent(who)
        deeds: dict[str, Callable[[], Step]] = {
            "start": lambda: verbs.start(caller, task_id, epoch),
            "decline": lambda: verbs.decline(caller, task_id, epoch),
            "fail": lambda: verbs.fail(caller, task_id, epoch, Failure("x", retryable=True)),
            "complete": lambda: verbs.complete(caller, TaskResult(task_id, epoch, {"by": who})),
            "authorize": lambda: verbs.authorize(
                caller, Action(task_id, epoch, ActionKind.DATA_READ, "read", {"n": 1})
            ),
        }
        return deeds[verb]()

    @rule(pick=PICK)
    def somebody_cancels(self, pick: int) -> None:
        if not self.tasks:
            return
        if pick % 4 == 0:  # a history of cancelled tasks tells little
            task_id = self.tasks[pick % len(self.tasks)]
            self.run(self.runtime.tasks.cancel(self.runtime.operator, task_id))

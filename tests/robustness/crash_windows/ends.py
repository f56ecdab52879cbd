"""Steps by which cases are completed after the crash."""

from __future__ import annotations

from phoenix_dma.v1 import audit_pb2
from tests.e2e.scenarios.intervals import PATIENCE
from tests.e2e.scenarios.participant import Participant
from tests.e2e.scenarios.scenario import TASK, Scenario
from tests.support.waiting.until import until


async def nothing() -> None:
    """Nobody repeats the call: background workers go on."""


async def complete(owner: Participant, epoch: int, task_id: str = TASK) -> None:
    """The owner checkpoints and completes the task."""
    await owner.checkpoint(task_id, epoch, await newest(owner, task_id), {"outputs": {"done": 1}})
    await owner.complete(task_id, epoch, {"merged": 0})


async def take_and_complete(owner: Participant, task_id: str = TASK) -> None:
    """The owner starts and completes the task."""
    epoch = (await owner.take(task_id)).task.epoch
    await complete(owner, epoch, task_id)


async def take_over_and_complete(target: Participant, task_id: str = TASK) -> None:
    """The target accepts the offer and completes the task."""
    taken = await target.take_over(task_id)
    await complete(target, taken.briefing.task.epoch, task_id)


async def newest(owner: Participant, task_id: str) -> int:
    """The version of the newest checkpoint; 0 where there is none."""
    return (await owner.api.get_task(task_id)).message.last_checkpoint.version


async def in_ledger(scenario: Scenario, *types: str) -> None:
    """Wait until the ledger has exactly the events of these types that the services have."""
    operator = await scenario.operator()
    request = audit_pb2.ListAuditEventsRequest(type=types)
    written = sorted(event.event_id for event in await scenario.events(*types))

    async def look() -> bool:
        found = sorted(event.event_id for event in await operator.audit(request))
        assert len(found) == len(set(found))
        return found == written

    await until(look, PATIENCE)

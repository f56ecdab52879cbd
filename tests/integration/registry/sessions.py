"""Steps that the tests of sessions share."""

from collections.abc import Awaitable, Callable

from phoenix_dma.v1 import registry_pb2, session_pb2
from tests.integration.registry.conftest import STEWARD, Registry, Stream
from tests.support.waiting.until import until

ACTIVE = registry_pb2.PARTICIPANT_STATUS_ACTIVE
DEGRADED = registry_pb2.PARTICIPANT_STATUS_DEGRADED


def becoming(
    registry: Registry, status: int, participant_id: str = STEWARD
) -> Callable[[], Awaitable[bool]]:
    async def reached() -> bool:
        return bool((await registry.get(participant_id)).status == status)

    return reached


async def joined(registry: Registry, participant_id: str = STEWARD) -> Stream:
    """Registered, attached, ACTIVE."""
    await registry.register(participant_id)
    stream = registry.stream(registry.participant(participant_id))
    await stream.attach(participant_id)
    await stream.beat()
    await until(becoming(registry, ACTIVE, participant_id))
    return stream


def directive(directive_id: str, participant_id: str = STEWARD) -> session_pb2.Directive:
    return session_pb2.Directive(
        directive_id=directive_id,
        action=session_pb2.DIRECTIVE_ACTION_START_TASK,
        participant_id=participant_id,
        task_id="task.1",
        epoch=3,
        facts={"reason": "test"},
    )

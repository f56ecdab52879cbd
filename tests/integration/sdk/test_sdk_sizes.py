"""What a handler brings and no message may hold: refused here, once, and the task fails."""

from phoenix_dma.aio.client import AsyncPhoenixClient
from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.errors import TooLarge
from phoenix_dma.wire.sizes import DOCUMENT_BYTES, MESSAGE_BYTES
from tests.support.builders.participants import TASK, join
from tests.support.fakes.control_plane import FakeControlPlane


async def test_a_result_that_is_too_large_fails_the_task_once_with_size_and_limit(
    control_plane: FakeControlPlane, client: AsyncPhoenixClient
) -> None:
    tried: list[TooLarge] = []

    @client.task_handler()
    async def handle(task: AsyncTask) -> dict[str, str]:
        try:
            await task.checkpoint({"found": "x" * MESSAGE_BYTES})
        except TooLarge as refused:
            tried.append(refused)
        return {"found": "x" * MESSAGE_BYTES}

    await join(client)
    await control_plane.send(control_plane.give(TASK))
    (failed,) = await control_plane.hears("FailTask")
    assert not failed.retryable
    size = MESSAGE_BYTES + len('{"found":""}')
    assert f"The result has {size} bytes; at most {DOCUMENT_BYTES} are taken" in failed.message
    (refused,) = tried
    assert (refused.facts["what"], refused.facts["limit_bytes"]) == ("context", str(DOCUMENT_BYTES))
    assert not control_plane.all("CheckpointContext")
    assert not control_plane.all("CompleteTask")

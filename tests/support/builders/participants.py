"""What tests of the SDK begin with."""

from typing import Any

from phoenix_dma.aio.client import AsyncPhoenixClient
from tests.support.fakes.control_plane import PARTICIPANT

TASK = "task.customer-merge-review.8841"


async def join(client: AsyncPhoenixClient, **fields: Any) -> None:
    """Register the participant that the fake control plane gives tasks to."""
    await client.register_participant(
        id=PARTICIPANT,
        type="agent",
        owner="data-governance",
        capabilities=["customer_validation"],
        **fields,
    )

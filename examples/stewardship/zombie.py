"""A steward that was thought dead: it has its credential and its old epoch, and tries to write.

    python -m examples.stewardship.zombie --id agent.customer-steward.001 --epoch 1 --version 6

It does not use the SDK's own guard, which would stop it before the runtime does: it asks the
runtime.
"""

from __future__ import annotations

import argparse
import asyncio

from examples.stewardship import scenario
from examples.stewardship.scenario import say
from phoenix_dma import AsyncPhoenixClient, PhoenixError
from phoenix_dma.aio.rpc.credentials import credential_for
from phoenix_dma.v1 import identity_pb2, state_pb2
from phoenix_dma.wire.conversions import struct_of


async def write(participant_id: str, epoch: int, version: int) -> None:
    """Try to checkpoint, and say how that ended."""
    async with AsyncPhoenixClient("https://phoenix.example.com") as client:
        wanted = identity_pb2.EnrolRequest(
            participant_id=participant_id,
            participant_type="agent",
            owner=scenario.STEWARD_OWNER,
        )
        credential = credential_for(client.transport, client.profile, wanted)
        request = state_pb2.CheckpointContextRequest(
            task_id=scenario.TASK,
            participant_id=participant_id,
            epoch=epoch,
            base_version=version,
            context=struct_of({"outputs": "written by a zombie"}),
        )
        method = client.transport.stubs.state.CheckpointContext
        try:
            await client.transport.ask(method, request, credential)
        except PhoenixError as refused:
            say("refused", reason=refused.reason, text=refused.text, facts=refused.facts)
        else:
            say("written")


def main() -> None:
    """Try once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--id", required=True)
    parser.add_argument("--epoch", type=int, required=True)
    parser.add_argument("--version", type=int, required=True)
    given = parser.parse_args()
    asyncio.run(write(given.id, given.epoch, given.version))


if __name__ == "__main__":
    main()

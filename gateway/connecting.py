"""Waits for the connection to a backend that is being restarted, instead of refusing at once.

gRPC reconnects after a pause that grows to half a second; a call in between would fail although the
backend serves again.
"""

import asyncio
import contextlib

import grpc.aio
from grpc import ChannelConnectivity

SECONDS = 2.0
"""How long a call waits for a connection before it is refused as UNAVAILABLE."""


async def wait_connected(channel: grpc.aio.Channel) -> None:
    """Return once ``channel`` is connected, at the latest after `SECONDS`."""
    state = channel.get_state(try_to_connect=True)
    if state is ChannelConnectivity.READY:
        return
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SECONDS):
            while state is not ChannelConnectivity.READY:
                await channel.wait_for_state_change(state)
                state = channel.get_state(try_to_connect=True)

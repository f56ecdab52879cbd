"""A heartbeat without an answer ends its stream while two thirds of the lease are left."""

from typing import Any

import pytest

from phoenix_dma.aio.keepalive.lease import LeaseWatch
from phoenix_dma.aio.keepalive.stream import KeepAliveStream


@pytest.mark.parametrize("ttl", [10.0, 60.0, 3600.0])
async def test_a_beat_is_waited_for_no_longer_than_a_third_of_the_lease(ttl: float) -> None:
    now = 0.0
    lease = LeaseWatch(lambda: now)
    lease.granted(ttl, asked_at=0.0)
    lease.sent(1)
    nobody: Any = None
    stream = KeepAliveStream(nobody, lease, nobody)
    now = ttl / 10
    assert await stream._answered_for(0.0), "a network may be slow"
    now = ttl / 3
    assert not await stream._answered_for(0.0)
    lease.acknowledged(1)
    assert await stream._answered_for(0.0)

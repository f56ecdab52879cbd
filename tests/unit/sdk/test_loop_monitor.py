"""A loop that does not turn is found out from another thread, with the stack of what blocks it."""

import asyncio
import logging
import threading

import pytest

from phoenix_dma.aio.keepalive.loop_monitor import BLOCKED_SECONDS, LoopMonitor


class Watched:
    """A monitor of the test's own loop, and what it reported; its time moves by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self.reported: list[bool] = []
        self.monitor = LoopMonitor(self._changed, lambda: self.now)

    def _changed(self) -> None:
        self.reported.append(self.monitor.blocked)

    def look(self, *, after: float = 0.0) -> bool:
        """Look from another thread, while this one, and with it the loop, waits."""
        self.now += after
        found: list[bool] = []
        looking = threading.Thread(target=lambda: found.append(self.monitor.look()))
        looking.start()
        looking.join()
        return found[0]


async def test_a_blocked_loop_is_reported_once_with_what_blocks_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    watched = Watched()
    assert watched.look()
    assert watched.look(after=BLOCKED_SECONDS / 2)
    assert watched.reported == []
    assert watched.look(after=BLOCKED_SECONDS / 2)
    assert watched.look(after=BLOCKED_SECONDS)
    assert watched.reported == [True]
    (blocked,) = caplog.messages
    assert blocked.startswith("handler_loop_blocked seconds=5.0")
    assert "test_a_blocked_loop_is_reported_once_with_what_blocks_it" in blocked


async def test_a_loop_that_turns_again_is_reported_too(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    watched = Watched()
    watched.look()
    watched.look(after=BLOCKED_SECONDS)
    await asyncio.sleep(0)
    assert watched.look(after=1.0)
    assert watched.reported == [True, False]
    assert caplog.messages[-1] == "handler_loop_turns seconds=6.0"


async def test_a_loop_that_turns_is_never_reported() -> None:
    watched = Watched()
    for _ in range(3):
        assert watched.look(after=10 * BLOCKED_SECONDS)
        await asyncio.sleep(0)
    assert watched.reported == []


def test_a_loop_that_is_closed_ends_the_watch() -> None:
    async def make() -> Watched:
        return Watched()

    watched = asyncio.run(make())
    assert not watched.look()

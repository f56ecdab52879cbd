"""The loop of a synchronous client goes on, whatever is left running in it."""

import asyncio
import logging
from typing import NoReturn

import pytest

from phoenix_dma.loop_thread import LoopThread


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()], ids=repr)
def test_a_task_that_was_left_behind_does_not_end_the_loop(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    thread = LoopThread("test")

    async def ends() -> NoReturn:
        raise error

    async def leaves_behind() -> asyncio.Task[NoReturn]:
        return asyncio.create_task(ends())

    async def works() -> int:
        await asyncio.sleep(0)
        return 7

    with caplog.at_level(logging.ERROR):
        left = thread.call(leaves_behind())
        assert thread.call(works()) == 7
        assert left.exception() is error
    thread.stop()
    assert "loop_goes_on" in caplog.text

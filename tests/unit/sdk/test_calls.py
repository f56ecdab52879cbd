"""What a function of the program raises comes back as a value; so does the death of its thread."""

import asyncio
import signal
import subprocess
import sys
from typing import NoReturn

import pytest

from phoenix_dma.aio.work import calls
from phoenix_dma.aio.work.calls import awaited, in_thread
from tests.support.waiting.until import PATIENCE

DYING = """
import asyncio, ctypes
from phoenix_dma.aio.work import calls
calls.WATCH_SECONDS = 0.05
dying = calls.in_thread("dying", lambda: ctypes.CDLL(None).pthread_exit(None))
print(asyncio.run(dying).error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux lists its threads")
def test_a_thread_that_c_ended_without_a_word_is_noticed() -> None:
    said = subprocess.run(
        [sys.executable, "-c", DYING], capture_output=True, text=True, check=True, timeout=PATIENCE
    ).stdout
    assert "died without a word" in said


async def test_a_thread_that_cannot_be_started_is_an_error_of_the_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(self: object) -> NoReturn:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(calls.Thread, "start", refuse)
    ended = await in_thread("test", lambda: 7)
    assert str(ended.error) == "can't start new thread"


async def test_a_cancellation_by_whoever_waits_is_no_end_of_the_function() -> None:
    begun = asyncio.Event()

    async def works() -> None:
        begun.set()
        await asyncio.Event().wait()

    running = asyncio.create_task(awaited(works))
    await begun.wait()
    running.cancel()
    ended = await running
    assert isinstance(ended.error, asyncio.CancelledError)


async def interrupted() -> None:
    raise KeyboardInterrupt


def test_an_interrupt_that_nobody_handles_is_a_persons_and_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(signal, "getsignal", lambda number: signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt):
        awaited(interrupted).send(None)


def test_an_interrupt_that_somebody_handles_is_the_functions_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(signal, "getsignal", lambda number: lambda *_: None)
    with pytest.raises(StopIteration) as ended:
        awaited(interrupted).send(None)
    assert isinstance(ended.value.value.error, KeyboardInterrupt)

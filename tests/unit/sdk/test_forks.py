"""What belongs to one process is refused in a process forked from it, with what to do."""

import os
from collections.abc import Callable

import pytest

from phoenix_dma.forks import ForkedProcess, OwnProcess
from phoenix_dma.loop_thread import LoopThread


def in_a_child(check: Callable[[], bool]) -> bool:
    """What ``check`` answers in a forked child, which ends at once."""
    child = os.fork()
    if child == 0:
        answer = 1
        try:
            answer = 0 if check() else 1
        finally:
            os._exit(answer)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 0


def refused(call: Callable[[], object]) -> bool:
    """Whether ``call`` is refused because of the fork, with what to do."""
    try:
        call()
    except ForkedProcess as error:
        return 'multiprocessing.get_context("spawn")' in str(error)
    return False


def test_its_own_process_may_use_it() -> None:
    OwnProcess().require("the client")


def test_a_forked_process_may_not() -> None:
    process = OwnProcess()
    assert in_a_child(lambda: refused(lambda: process.require("the client")))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # a fork beside threads is the subject
def test_a_call_in_a_child_does_not_wait_for_a_thread_that_is_not_there() -> None:
    async def answer() -> int:
        return 1

    thread = LoopThread("before the fork")
    try:
        assert thread.call(answer()) == 1
        assert in_a_child(lambda: refused(lambda: thread.call(answer())))
    finally:
        thread.stop()

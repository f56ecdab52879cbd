"""Whether a server still says anything: who is ended when it does not, and who is not."""

import asyncio
from datetime import timedelta

import pytest

from phoenix_runtime.core.errors import Unavailable
from phoenix_runtime.core.waiting import server_watch
from phoenix_runtime.core.waiting.server_watch import ServerWatch
from tests.support.waiting.until import until

TIMES = 3


class Server:
    """What the watch asks; ``there`` is cleared while it says nothing."""

    def __init__(self) -> None:
        self.there = asyncio.Event()
        self.there.set()
        self.asked = 0
        self.said: list[bool] = []
        """What the watch has told: whether it is silent."""
        self.error: Exception | None = None

    async def reach(self) -> None:
        self.asked += 1
        if self.error is not None:
            raise self.error
        await self.there.wait()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_watch, "QUIET_SECONDS", 0.01)
    monkeypatch.setattr(server_watch, "PAUSE_SECONDS", 0.01)


def watch_over(server: Server) -> ServerWatch:
    return ServerWatch(server.reach, timedelta(seconds=0.05), server.said.append)


async def asked_more(server: Server, times: int = TIMES) -> None:
    before = server.asked

    async def asked() -> bool:
        return server.asked >= before + times

    await until(asked)


async def heard(watch: ServerWatch) -> bool:
    try:
        watch.require_heard()
    except Unavailable:
        return False
    return True


async def test_what_waits_for_a_silent_server_is_ended_and_what_comes_is_refused_at_once() -> None:
    server, ended = Server(), asyncio.Event()
    watch = watch_over(server)
    server.there.clear()
    watch.begins("a statement", ended.set)
    with pytest.raises(TimeoutError):
        async with watch.waiting():
            await asyncio.Event().wait()
    await ended.wait()
    with pytest.raises(Unavailable):
        watch.require_heard()
    await watch.close()


async def test_a_server_that_speaks_again_is_heard_without_anybody_who_waits() -> None:
    server, ended = Server(), asyncio.Event()
    watch = watch_over(server)
    server.there.clear()
    watch.begins("a statement", ended.set)
    await ended.wait()
    watch.ends("a statement", heard=False)
    server.there.set()
    await until(lambda: heard(watch))
    assert server.said == [True, False]
    await watch.close()


@pytest.mark.parametrize(
    "error", [None, ConnectionRefusedError(), RuntimeError("too many connections")]
)
async def test_what_is_only_slow_is_waited_for_as_long_as_the_server_answers(
    error: Exception | None,
) -> None:
    server, ended = Server(), asyncio.Event()
    server.error = error
    watch = watch_over(server)
    watch.begins("a statement", ended.set)
    await asked_more(server)
    assert not ended.is_set()
    assert server.said == []
    watch.require_heard()
    await watch.close()


async def test_where_there_is_no_way_to_the_server_it_is_silent() -> None:
    server, ended = Server(), asyncio.Event()
    server.error = OSError("no route to host")
    watch = watch_over(server)
    watch.begins("a statement", ended.set)
    await ended.wait()
    await watch.close()


async def test_an_answer_to_anybody_says_that_the_server_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server_watch, "STEPS", 1_000_000)
    server, ended = Server(), asyncio.Event()
    watch = ServerWatch(server.reach, timedelta(seconds=1000), server.said.append)
    server.there.clear()
    watch.begins("a slow statement", ended.set)
    await asked_more(server, 1)
    watch.begins("another", ended.set)
    watch.ends("another", heard=True)
    await asked_more(server, 1)
    assert not ended.is_set()
    await watch.close()


async def test_who_waits_a_bounded_time_is_told_when_it_is_over() -> None:
    watch = watch_over(Server())
    with pytest.raises(TimeoutError):
        async with watch.waiting(0.01):
            await asyncio.Event().wait()
    watch.require_heard()
    await watch.close()


async def test_a_server_for_which_nobody_waits_is_not_asked() -> None:
    server = Server()
    watch = watch_over(server)
    for _ in range(TIMES):
        watch.begins("a statement", asyncio.Event().set)
        watch.ends("a statement", heard=True)
    await asyncio.sleep(0.05)
    assert not server.asked
    await watch.close()

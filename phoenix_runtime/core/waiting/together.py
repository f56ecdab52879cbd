"""Serves what waits together: callers that come while a round is under way share the next one."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextvars import Context
from typing import Generic, TypeVar

Group = TypeVar("Group", bound=Hashable)
Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Together(Generic[Group, Item, Answer]):
    """Rounds by group, such as a tenant; one at a time in each, of at most ``most`` items.

    ``serve`` answers as many answers as it is given items, in order. A single caller waits for
    nothing but its own round. What a round raises, all of it get. A caller that gives up takes
    nothing from the others, so a round runs in no caller's context, under no caller's deadline.
    """

    def __init__(
        self,
        serve: Callable[[Group, Sequence[Item]], Awaitable[Sequence[Answer]]],
        *,
        most: int,
    ) -> None:
        self._serve = serve
        self._most = most
        self._waiting: dict[Group, list[tuple[Item, asyncio.Future[Answer]]]] = {}
        self._rounds: set[asyncio.Task[None]] = set()

    async def __call__(self, group: Group, item: Item) -> Answer:
        """The answer to ``item``, of a round that begins from now on; raises what it raises."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        if group in self._waiting:
            self._waiting[group].append((item, answer))
        else:
            self._waiting[group] = [(item, answer)]
            rounds = asyncio.create_task(self._serve_all(group), context=Context())
            self._rounds.add(rounds)
            rounds.add_done_callback(self._rounds.discard)
        return await answer

    async def _serve_all(self, group: Group) -> None:
        waiting = self._waiting[group]
        try:
            while waiting:
                round_, waiting[:] = waiting[: self._most], waiting[self._most :]
                await self._serve_round(group, round_)
        finally:
            del self._waiting[group]
            for _, answer in waiting:
                answer.cancel()

    async def _serve_round(
        self, group: Group, items: Sequence[tuple[Item, asyncio.Future[Answer]]]
    ) -> None:
        try:
            answers = await self._serve(group, [item for item, _ in items])
            for (_, waiter), answer in zip(items, answers, strict=True):
                if not waiter.done():
                    waiter.set_result(answer)
        except BaseException as error:
            for _, waiter in items:
                if not waiter.done() and isinstance(error, Exception):
                    waiter.set_exception(error)
                else:
                    waiter.cancel()
            if not isinstance(error, Exception):
                raise

"""An effect outside the runtime, as a synchronous handler does it."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from phoenix_dma.aio.work.effects import AsyncEffect
from phoenix_dma.briefing import EffectInfo
from phoenix_dma.errors import EffectHappened, EffectUnknown

Wait = Callable[[Any], Any]
"""Runs a coroutine in the client's loop and waits for what it answers."""


class Effect:
    """What ``with task.effect(…)`` gives its block; `AsyncEffect` says how it ends."""

    def __init__(self, effect: AsyncEffect, wait: Wait) -> None:
        self.aio = effect
        self._wait = wait

    @property
    def info(self) -> EffectInfo:
        """The effect as it began. Raises RuntimeError before its block."""
        return self.aio.info

    @property
    def key(self) -> str:
        """The idempotency key for the tool: the same whoever repeats the effect."""
        return self.aio.key

    @property
    def outcome(self) -> Any:
        """What was recorded of it, as JSON."""
        return self.aio.outcome

    def done(self, outcome: Any = None) -> None:
        """Say that it was done, and what came of it; see `AsyncEffect.done`."""
        self.aio.done(outcome)

    def not_done(self, why: str = "") -> None:
        """Say that it is certain not to have been done; it may begin again."""
        self.aio.not_done(why)

    def once(self, do: Callable[[str], Any], look: Callable[[str], Any] | None = None) -> Any:
        """Do it by ``do(key)`` unless it was done before; see `AsyncTask.once`.

        Both functions are called in the handler's own thread.
        """
        while True:
            try:
                self._wait(self.aio.begin(can_look=look is not None))
            except EffectHappened as before:
                return before.outcome
            except EffectUnknown as unknown:
                if look is None:
                    raise
                self._wait(self.aio.found(unknown.key, look(unknown.key)))
            else:
                with self:
                    self.done(do(self.key))
                return self.outcome

    def __enter__(self) -> Self:
        self._wait(self.aio.__aenter__())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._wait(self.aio.__aexit__(kind, error, trace))

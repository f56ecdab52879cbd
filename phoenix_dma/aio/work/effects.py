"""An effect outside the runtime, as a handler does it: once, or known not to be known (I17)."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from phoenix_dma.aio.work.actions import Action, TaskActions
from phoenix_dma.aio.work.failure import message_of
from phoenix_dma.briefing import EffectInfo, effect_info
from phoenix_dma.errors import EffectHappened, EffectUnknown, PhoenixError, TooLarge
from phoenix_dma.log import EventLog
from phoenix_dma.v1 import assignment_pb2, effect_pb2
from phoenix_dma.wire.conversions import json_of
from phoenix_dma.wire.json_values import json_value

VALUE = "value"
"""Under this name an outcome is filed that is no JSON object, or an object of this name alone."""

log = EventLog(__name__)


class AsyncEffect:
    """What ``async with task.effect(…)`` gives its block: the key, and what came of it.

    The block that ends without an exception was done, with the outcome that `done` was told. One
    that raises leaves an unknown outcome, unless it said before which it was: the answer may have
    been lost on the way back.
    """

    def __init__(self, actions: TaskActions, action: Action, *, idempotent: bool) -> None:
        self._actions = actions
        self._action = action
        self._idempotent = idempotent
        self._open = False
        self._info: EffectInfo | None = None
        self._request: effect_pb2.RecordEffectRequest | None = None
        self.outcome: Any = None
        """What was recorded of it, as JSON."""

    @property
    def info(self) -> EffectInfo:
        """The effect as it began. Raises RuntimeError before its block."""
        if self._info is None:
            raise RuntimeError("an effect begins with its block: async with task.effect(…)")
        return self._info

    @property
    def key(self) -> str:
        """The idempotency key for the tool: the same whoever repeats the effect."""
        return self.info.id

    def done(self, outcome: Any = None) -> None:
        """Say that it was done, and what came of it: at most 64 KiB of JSON.

        Raises `NotJson` for an outcome that has no form in JSON; that it was done is recorded all
        the same.
        """
        self._request = done_request(self.key)
        self.outcome = json_value(outcome, "outcome")
        self._request = done_request(self.key, self.outcome)

    def not_done(self, why: str = "") -> None:
        """Say that it is certain not to have been done; it may begin again."""
        self._request = not_done_request(self.key, why)

    async def found(self, key: str, outcome: Any) -> None:
        """Record what somebody found who looked: its outcome, None where it was not done."""
        await record_found(self._actions, key, (outcome is not None, outcome, "found by looking"))

    async def begin(self, *, can_look: bool = False) -> None:
        """Ask, and have it recorded that it begins. Raises `EffectHappened`, `EffectUnknown`.

        Who can look is told of an unknown outcome before anybody is asked about a repetition.
        """
        answer = await self._actions.begin(
            self._action, idempotent=self._idempotent, can_look=can_look
        )
        info = effect_info(answer.effect)
        if answer.effect.status == assignment_pb2.EFFECT_STATUS_UNKNOWN:
            text = f"{info.name} was begun by {info.participant}, nobody knows whether it was done"
            raise EffectUnknown(text, {"authorization_id": info.id})
        if answer.effect.status == assignment_pb2.EFFECT_STATUS_DONE:
            raise _happened(info, answer.effect)
        self._info, self._request, self.outcome, self._open = info, None, None, True

    async def __aenter__(self) -> Self:
        if not self._open:
            await self.begin()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        request, key = self._request, self.key
        self._open = False
        if request is None and error is None:
            request = done_request(key)
        elif request is None and isinstance(error, Exception):
            request = unknown_request(key, message_of(error))
        if request is None:  # cancelled, or the process ends: unknown once the epoch is burnt
            return
        try:
            await record(self._actions, request)
        except PhoenixError as refused:
            if error is None:
                raise
            # What the block raised says more, and goes on; the effect is unknown, or as it was.
            log.warning("effect_not_recorded", effect=key, error=refused)


async def record(actions: TaskActions, request: effect_pb2.RecordEffectRequest) -> EffectInfo:
    """Record an outcome; one that is too large is left out, and then raises `TooLarge`."""
    try:
        answer = await actions.record(request)
    except TooLarge as large:
        bare = done_request(request.authorization_id)
        bare.why = f"the outcome is left out: {large.text}"
        await actions.record(bare)
        raise
    return effect_info(answer.effect)


def done_request(key: str, outcome: Any = None) -> effect_pb2.RecordEffectRequest:
    """It was done; ``outcome`` is JSON already."""
    made = effect_pb2.RecordEffectRequest(
        authorization_id=key, status=assignment_pb2.EFFECT_STATUS_DONE
    )
    if outcome is not None:
        plain = isinstance(outcome, dict) and set(outcome) != {VALUE}
        made.outcome.update(outcome if plain else {VALUE: outcome})
    return made


def not_done_request(key: str, why: str) -> effect_pb2.RecordEffectRequest:
    """It was not done."""
    status = assignment_pb2.EFFECT_STATUS_NOT_DONE
    return effect_pb2.RecordEffectRequest(authorization_id=key, status=status, why=why)


def unknown_request(key: str, why: str) -> effect_pb2.RecordEffectRequest:
    """Nobody knows whether it was done."""
    status = assignment_pb2.EFFECT_STATUS_UNKNOWN
    return effect_pb2.RecordEffectRequest(authorization_id=key, status=status, why=why)


def _happened(info: EffectInfo, effect: assignment_pb2.Effect) -> EffectHappened:
    made = EffectHappened(f"{info.name} was done before, under {info.id}", {"id": info.id})
    made.info, made.outcome = info, outcome_of(effect)
    return made


def outcome_of(effect: assignment_pb2.Effect) -> Any:
    """The recorded outcome, as it was given; None where none was."""
    found = json_of(effect.outcome)
    if not found:
        return None
    return found[VALUE] if set(found) == {VALUE} else found


async def once(
    effect: AsyncEffect, do: Callable[[str], Any], look: Callable[[str], Any] | None
) -> Any:
    """See `AsyncTask.once`."""
    while True:
        try:
            await effect.begin(can_look=look is not None)
        except EffectHappened as before:
            return before.outcome
        except EffectUnknown as unknown:
            if look is None:
                raise
            await effect.found(unknown.key, await _answered(look(unknown.key)))
        else:
            async with effect:
                effect.done(await _answered(do(effect.key)))
            return effect.outcome


async def record_found(actions: TaskActions, key: str, found: tuple[bool, Any, str]) -> EffectInfo:
    """Record whether an effect happened, what came of it, and what else there is to say."""
    happened, outcome, why = found
    if not happened:
        return await record(actions, not_done_request(key, why))
    request = done_request(key, json_value(outcome, "outcome"))
    request.why = why
    return await record(actions, request)


async def _answered(value: Any) -> Any:
    """What a function answered, or the coroutine that it made."""
    return await value if inspect.isawaitable(value) else value

"""Asks policy and the registry at once what several tasks that move at the same time ask.

Fifty owners that die at once make fifty handoffs ask the same two questions. Every answer is of a
call that began after its question was put. Where what was asked together is refused, each question
is asked by itself: one that cannot be answered takes the answer from no other.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from assignment_svc.domain.ports import Registry
from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.ports import Policy
from phoenix_runtime.core.principal import Call, Principal
from phoenix_runtime.core.standing import Standing
from phoenix_runtime.core.verdict import DecisionPoint, Verdict
from phoenix_runtime.core.waiting.together import Together

Question = TypeVar("Question")
Answer = TypeVar("Answer")

AT_ONCE: Final = 16
"""Questions of one call: who comes first does not wait long for the others."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose questions they are, as policy and the registry are told."""

    principal: Principal
    service: str
    on_behalf_of: str
    metadata: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, call: Call) -> "Caller":
        """The caller of ``call``; only what correlates it with one task is left out."""
        return cls(call.principal, call.service, call.on_behalf_of, call.metadata)


class SharedQuestions:
    """One call for what a caller asks at the same time."""

    def __init__(self, policy: Policy, registry: Registry) -> None:
        self._policy = policy
        self._registry = registry
        self._verdicts = Together(self._judge, most=AT_ONCE)
        self._standings = Together(self._read, most=AT_ONCE)

    async def verdict(self, call: Call, point: DecisionPoint, question: JsonObject) -> Verdict:
        """What policy says; raises `PolicyEngineUnavailable`."""
        return _answer(await self._verdicts((Caller.of(call), point), (call, question)))

    async def standing(self, call: Call, participant_id: str) -> Standing | None:
        """The standing of a participant, None for one that is unknown; raises `Unavailable`."""
        return _answer(await self._standings(Caller.of(call), (call, participant_id)))

    async def _judge(
        self, group: tuple[Caller, DecisionPoint], asked: Sequence[tuple[Call, JsonObject]]
    ) -> Sequence[Verdict | BaseException]:
        _, point = group

        async def judge(some: Sequence[tuple[Call, JsonObject]]) -> Sequence[Verdict]:
            return await self._policy.evaluate(some[0][0], point, [one for _, one in some])

        return await _together_or_each(judge, asked)

    async def _read(
        self, _: Caller, asked: Sequence[tuple[Call, str]]
    ) -> Sequence[Standing | BaseException | None]:
        async def read(some: Sequence[tuple[Call, str]]) -> Sequence[Standing | None]:
            found = await self._registry.standings(some[0][0], {name for _, name in some})
            return [found.get(name) for _, name in some]

        return await _together_or_each(read, asked)


async def _together_or_each(
    ask: Callable[[Sequence[Question]], Awaitable[Sequence[Answer]]], asked: Sequence[Question]
) -> Sequence[Answer | BaseException]:
    """The answers of one call, or, where that is refused, of a call for each question."""
    try:
        return await ask(asked)
    except Exception as refused:  # noqa: BLE001  # whoever asked gets it
        if len(asked) == 1:
            return [refused]
    each = await asyncio.gather(*(ask([one]) for one in asked), return_exceptions=True)
    return [one if isinstance(one, BaseException) else one[0] for one in each]


def _answer(answered: Answer | BaseException) -> Answer:
    if isinstance(answered, BaseException):
        raise answered
    return answered

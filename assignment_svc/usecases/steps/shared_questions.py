"""Asks policy and the registry at once what several tasks that move at the same time ask.

Fifty owners that die at once make fifty handoffs ask the same two questions. Every answer is of a
call that began after its question was put.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from assignment_svc.domain.ports import Registry
from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.ports import Policy
from phoenix_runtime.core.principal import Call, Principal
from phoenix_runtime.core.standing import Standing
from phoenix_runtime.core.verdict import DecisionPoint, Verdict
from phoenix_runtime.core.waiting.together import Together

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
        return await self._verdicts((Caller.of(call), point), (call, question))

    async def standing(self, call: Call, participant_id: str) -> Standing | None:
        """The standing of a participant, None for one that is unknown; raises `Unavailable`."""
        return await self._standings(Caller.of(call), (call, participant_id))

    async def _judge(
        self, group: tuple[Caller, DecisionPoint], asked: Sequence[tuple[Call, JsonObject]]
    ) -> Sequence[Verdict]:
        _, point = group
        return await self._policy.evaluate(asked[0][0], point, [question for _, question in asked])

    async def _read(
        self, _: Caller, asked: Sequence[tuple[Call, str]]
    ) -> Sequence[Standing | None]:
        found = await self._registry.standings(asked[0][0], {name for _, name in asked})
        return [found.get(name) for _, name in asked]

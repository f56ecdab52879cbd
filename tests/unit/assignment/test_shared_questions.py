"""What several tasks ask at the same time is asked once."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

from assignment_svc.domain.ports import Registry
from assignment_svc.usecases.steps.shared_questions import SharedQuestions
from phoenix_runtime.core.errors import PolicyEngineUnavailable
from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.standing import Standing
from phoenix_runtime.core.verdict import DecisionPoint, Verdict
from tests.support.builders.calls import call_of
from tests.support.fakes.policy import RecordingPolicy


class HeldPolicy(RecordingPolicy):
    """Answers once it is let, with what it was asked; a call with a bad question is refused."""

    def __init__(self) -> None:
        super().__init__()
        self.let = asyncio.Event()
        self.sizes: list[tuple[DecisionPoint, int]] = []

    async def evaluate(
        self, call: Call, point: DecisionPoint, inputs: Sequence[JsonObject]
    ) -> tuple[Verdict, ...]:
        self.sizes.append((point, len(inputs)))
        await self.let.wait()
        if any(one.get("bad") for one in inputs):
            raise PolicyEngineUnavailable("a rule did not end")
        return tuple(cast("Any", one) for one in inputs)


class NobodyKnown:
    """A registry that notes whom it is asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    async def standings(self, call: Call, names: Collection[str]) -> Mapping[str, Standing]:
        self.asked.append(tuple(sorted(names)))
        await asyncio.sleep(0)
        return {}


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_what_one_caller_asks_at_the_same_time_is_one_call_for_each_point() -> None:
    policy = HeldPolicy()
    questions = SharedQuestions(policy, cast("Registry", NobodyKnown()))
    own, other = call_of("service", subject="assignment"), call_of("participant", subject="a")
    asked = [
        asyncio.create_task(questions.verdict(call, point, {"n": number}))
        for number, (call, point) in enumerate(
            [
                (own, DecisionPoint.ASSIGN),
                (own.about("one"), DecisionPoint.ASSIGN),
                (own.about("other"), DecisionPoint.ASSIGN),
                (own, DecisionPoint.HANDOFF),
                (other, DecisionPoint.ASSIGN),
            ]
        )
    ]
    await settled()
    policy.let.set()
    verdicts: list[Any] = list(await asyncio.gather(*asked))
    assert [one["n"] for one in verdicts] == [0, 1, 2, 3, 4], "to each its own verdict"
    assert sorted(policy.sizes) == [
        (DecisionPoint.HANDOFF, 1),
        (DecisionPoint.ASSIGN, 1),
        (DecisionPoint.ASSIGN, 3),
    ]


async def test_one_that_cannot_be_answered_takes_the_answer_from_no_other() -> None:
    policy = HeldPolicy()
    policy.let.set()
    questions = SharedQuestions(policy, cast("Registry", NobodyKnown()))
    own = call_of("service", subject="assignment")
    inputs: list[JsonObject] = [{"n": 0}, {"n": 1, "bad": True}, {"n": 2}]
    first, bad, last = await asyncio.gather(
        *(questions.verdict(own, DecisionPoint.ASSIGN, one) for one in inputs),
        return_exceptions=True,
    )
    assert (first, last) == (inputs[0], inputs[2])
    assert isinstance(bad, PolicyEngineUnavailable)


async def test_standings_are_read_together() -> None:
    registry = NobodyKnown()
    questions = SharedQuestions(HeldPolicy(), cast("Registry", registry))
    own = call_of("service", subject="assignment")
    found = await asyncio.gather(*(questions.standing(own, name) for name in "abc"))
    assert found == [None, None, None]
    assert registry.asked == [("a", "b", "c")]

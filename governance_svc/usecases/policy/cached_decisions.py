"""Caches the engine's answers for discovery, which evaluates the same inputs again and again."""

from collections import OrderedDict
from collections.abc import Sequence

from governance_svc.domain.policy.engine import Evaluation, PolicyEngine
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.durations import FRESH_SECONDS
from phoenix_runtime.core.json import Json, JsonObject
from phoenix_runtime.core.verdict import DecisionPoint

MAX_ANSWERS = 20_000
CACHED_POINTS = frozenset({DecisionPoint.DISCOVER})
"""Only what changes nothing: without an engine every governed change is refused at once."""


class CachedDecisions:
    """Passes to the engine only what it has not answered within `FRESH_SECONDS`.

    The engine's answer depends on the input and the bundle alone (other bundles are refused), so
    the same input hash under the same revision has the same answer.
    """

    def __init__(self, engine: PolicyEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._answers: OrderedDict[tuple[str, str], tuple[float, Json]] = OrderedDict()

    async def evaluate(
        self, point: DecisionPoint, inputs: Sequence[JsonObject], hashes: Sequence[str]
    ) -> Evaluation:
        """As `PolicyEngine.evaluate`; ``hashes`` are those of the inputs."""
        revision = self._engine.revision
        if point not in CACHED_POINTS or not revision:
            return await self._engine.evaluate(point, inputs)
        answers = [self._cached(revision, input_hash) for input_hash in hashes]
        missing = [index for index, answer in enumerate(answers) if answer is None]
        if not missing:
            return Evaluation(revision, answers)
        evaluation = await self._engine.evaluate(point, [inputs[index] for index in missing])
        new = evaluation.answer
        if not isinstance(new, list) or len(new) != len(missing):
            return Evaluation(evaluation.revision, None)
        if evaluation.revision != revision:
            # Another revision was activated meanwhile: one batch is answered by one revision.
            return await self._engine.evaluate(point, inputs)
        for index, answer in zip(missing, new, strict=True):
            answers[index] = answer
            self._keep(revision, hashes[index], answer)
        return Evaluation(revision, answers)

    def _cached(self, revision: str, input_hash: str) -> Json:
        cached_at, answer = self._answers.get((revision, input_hash), (0.0, None))
        fresh = answer is not None and self._clock.monotonic() - cached_at < FRESH_SECONDS
        return answer if fresh else None

    def _keep(self, revision: str, input_hash: str, answer: Json) -> None:
        key = (revision, input_hash)
        self._answers[key] = (self._clock.monotonic(), answer)
        self._answers.move_to_end(key)
        if len(self._answers) > MAX_ANSWERS:
            self._answers.popitem(last=False)

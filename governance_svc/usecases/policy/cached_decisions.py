"""The engine's answers of the last seconds, for discovery, which asks the same again and again."""

from collections import OrderedDict
from collections.abc import Sequence

from governance_svc.domain.policy.engine import Evaluation, PolicyEngine
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.json import Json, JsonObject
from phoenix_runtime.core.verdict import DecisionPoint

VALID_SECONDS = 5.0
"""As old as a decision may be where something is bound by it."""

REMEMBERED = 20_000
REPEATED = frozenset({DecisionPoint.DISCOVER})
"""Only what changes nothing: without an engine every governed change is refused at once."""


class RecentAnswers:
    """Asks the engine what it was not asked a moment ago.

    A bundle's answer rests on the input and the bundle alone (others are not loaded), so the same
    input hash under the same revision has the same answer.
    """

    def __init__(self, engine: PolicyEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._known: OrderedDict[tuple[str, str], tuple[float, Json]] = OrderedDict()

    async def evaluate(
        self, point: DecisionPoint, questions: Sequence[JsonObject], hashes: Sequence[str]
    ) -> Evaluation:
        """As `PolicyEngine.evaluate`; ``hashes`` are those of the questions."""
        revision = self._engine.revision
        if point not in REPEATED or not revision:
            return await self._engine.evaluate(point, questions)
        found = [self._recalled(revision, one) for one in hashes]
        missing = [index for index, answer in enumerate(found) if answer is None]
        if not missing:
            return Evaluation(revision, found)
        asked = await self._engine.evaluate(point, [questions[index] for index in missing])
        new = asked.answer
        if not isinstance(new, list) or len(new) != len(missing):
            return Evaluation(asked.revision, None)
        if asked.revision != revision:
            # Another revision came into force in between: one batch, one revision.
            return await self._engine.evaluate(point, questions)
        for index, answer in zip(missing, new, strict=True):
            found[index] = answer
            self._keep(revision, hashes[index], answer)
        return Evaluation(revision, found)

    def _recalled(self, revision: str, input_hash: str) -> Json:
        at, answer = self._known.get((revision, input_hash), (0.0, None))
        fresh = answer is not None and self._clock.monotonic() - at < VALID_SECONDS
        return answer if fresh else None

    def _keep(self, revision: str, input_hash: str, answer: Json) -> None:
        key = (revision, input_hash)
        self._known[key] = (self._clock.monotonic(), answer)
        self._known.move_to_end(key)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

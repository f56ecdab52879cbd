"""The port for policy engines, which run outside the service's process."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from governance_svc.domain.policy.bundle import BundleTests, PolicyBundle
from phoenix_runtime.core.json import Json, JsonObject
from phoenix_runtime.core.verdict import DecisionPoint

EVALUATION_SECONDS: Final = 1.0
"""The deadline of one evaluation, whichever engine runs it (I14)."""

LOADING_SECONDS: Final = 10.0
"""The deadline of each step of loading a bundle."""

STARTING_SECONDS: Final = 60.0
"""The same of the bundle with which a service starts: nothing is decided before it is there, so a
machine that is busy with its own start is waited for."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The engine's raw answer: ``answer`` should hold one raw verdict for each input, in order.

    It is not trusted before `governance_svc.domain.policy.verdicts` has read it.
    """

    revision: str
    answer: Json


class PolicyEngine(Protocol):
    """Evaluates ``data.phoenix.decide`` for a batch of inputs, always against one revision."""

    @property
    def revision(self) -> str:
        """The revision that is served; empty before the first `load`."""
        ...

    async def load(self, bundle: PolicyBundle, *, tested: bool = False) -> BundleTests:
        """Check, test, probe and then serve ``bundle``; running evaluations keep the old one.

        ``tested`` leaves its tests out, for a revision that is known to have passed them: the
        digest covers rules, data and tests, and the tests take longer than all other steps.

        Raises `BundleRefused` (the old bundle keeps serving) or `PolicyEngineUnavailable`.
        """
        ...

    async def evaluate(self, point: DecisionPoint, inputs: Sequence[JsonObject]) -> Evaluation:
        """Evaluate all ``inputs`` in one call.

        Raises `PolicyEngineUnavailable` where the engine is away, was stopped at its deadline, or
        serves another revision. An evaluation that ends in an error is an answer, too: the error
        stands in it and is read as a denial.
        """
        ...

    async def close(self) -> None:
        """Stop serving and end the processes and connections that were started."""
        ...

"""The port behind which a policy engine stands, outside the service's process."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from governance_svc.domain.policy.bundle import BundleTests, PolicyBundle
from phoenix_runtime.core.json import Json, JsonObject
from phoenix_runtime.core.verdict import DecisionPoint


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What the engine answered, unread: ``answer`` ought to be one raw verdict an input, in order.

    `governance_svc.domain.policy.verdicts` reads it; until then nothing in it may be believed.
    """

    revision: str
    answer: Json


class PolicyEngine(Protocol):
    """Answers ``data.phoenix.decide`` for a batch, always from one revision."""

    @property
    def revision(self) -> str:
        """The revision that is served; empty before the first `load`."""
        ...

    async def load(self, bundle: PolicyBundle, *, tested: bool = False) -> BundleTests:
        """Check, test, try and then serve ``bundle``; decisions under way keep the old one.

        ``tested`` leaves its tests out, for a revision that is known to have passed them: the
        digest covers rules, data and tests, and tests take longer than all the rest.

        Raises `BundleRefused` (the old bundle keeps serving) or `PolicyEngineUnavailable`.
        """
        ...

    async def evaluate(self, point: DecisionPoint, inputs: Sequence[JsonObject]) -> Evaluation:
        """Ask about every input at once.

        Raises `PolicyEngineUnavailable` where the engine is away, was cut off at its deadline, or
        serves another revision. An engine that answers with an error has answered: the error is
        in the answer and reads as a denial.
        """
        ...

    async def close(self) -> None:
        """Stop serving and end what was started."""
        ...

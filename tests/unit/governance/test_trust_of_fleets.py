"""Simulated fleets: bad input leaves trust as it is; who fails what others complete loses it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random

import pytest

from governance_svc.domain.trust.projection import TrustFold, TrustProjection
from governance_svc.domain.trust.scoring import TrustScorer, trust_ok
from phoenix_runtime.core.score import Score
from phoenix_runtime.core.standing import RiskLevel
from tests.support.builders.audit_events import NOON, audit_event
from tests.unit.governance.test_trust import CATALOGUE, NEWCOMER, STANDARD

FLEET = tuple(f"agent.{n}" for n in range(5))
ATTEMPTS = 3
SEEDS = range(5)


@dataclass
class Fleet:
    """Agents that take tasks where they are trusted to; nothing but events says how they fare.

    ``broken`` fails every task. Bad input fails with everybody; where ``says_so``, the handler
    calls it the input's.
    """

    seed: int = 0
    broken: str = ""
    says_so: bool = False
    names: tuple[str, ...] = FLEET
    fold: TrustFold = field(default_factory=TrustFold)
    seconds: int = 0
    waiting: int = 0

    def __post_init__(self) -> None:
        self.random = Random(self.seed)  # noqa: S311  # a history to be had again

    def score(self, name: str) -> Score:
        """The trust in one agent now."""
        known = self.fold.projections.get(name, TrustProjection())
        evidence = replace(NEWCOMER, outcomes=known.outcomes, excused=known.excused)
        now = NOON + timedelta(seconds=self.seconds)
        return TrustScorer(STANDARD, CATALOGUE.trust_model, now).score(evidence, "any")

    def trusted(self, name: str) -> bool:
        """Whether the agent may take a task of medium risk."""
        return trust_ok([self.score(name)], STANDARD, RiskLevel.MEDIUM)

    def task(self, number: int, *, bad: bool, choose: Callable[[list[str]], str]) -> None:
        """One task, tried until it is done, final, or nobody may take it."""
        for attempt in range(1, ATTEMPTS + 1):
            candidates = [name for name in self.names if self.trusted(name)]
            if not candidates:
                self.waiting += 1
                return
            who = choose(candidates)
            if not bad and who != self.broken:
                self._ends(number, who, "TASK_SUCCEEDED", "")
                return
            if bad and self.says_so:
                self._ends(number, who, "TASK_FAILED", "input_at_fault")
                return
            last = attempt == ATTEMPTS
            kind = "TASK_FAILED" if last else "TASK_RETRIED"
            self._ends(number, who, kind, "retryable_failure")

    def run(self, tasks: int, bad_share: float) -> None:
        """So many tasks, each with bad input by chance; each try at any trusted agent."""
        for number in range(tasks):
            bad = self.random.random() < bad_share
            self.task(number, bad=bad, choose=self.random.choice)

    def _ends(self, number: int, who: str, kind: str, reason: str) -> None:
        self.seconds += 1
        at = NOON + timedelta(seconds=self.seconds)
        fields = {"participant": who, "task": f"task.{number}", "reason_code": reason}
        self.fold.apply(audit_event("t", type=kind, timestamp=at, **fields))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("says_so", [True, False], ids=["says so", "does not say so"])
def test_a_fleet_with_a_fifth_of_bad_input_stays_trusted_and_takes_every_task(
    seed: int, *, says_so: bool
) -> None:
    fleet = Fleet(seed, says_so=says_so)
    fleet.run(150, bad_share=0.2)
    assert fleet.waiting == 0
    newcomer = Fleet().score("agent.0").total
    assert all(fleet.score(name).total >= newcomer for name in FLEET)


@pytest.mark.parametrize("seed", SEEDS)
def test_one_agent_that_fails_what_others_complete_is_not_trusted_any_more(seed: int) -> None:
    fleet = Fleet(seed, broken="agent.3")
    fleet.run(150, bad_share=0.2)
    assert [name for name in FLEET if not fleet.trusted(name)] == ["agent.3"]
    assert fleet.waiting == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_ten_bad_tasks_at_once_do_not_stop_a_good_one(seed: int) -> None:
    """Each fails three times at whoever took it: no other agent helps to say whose fault it is."""
    fleet = Fleet(seed)
    for number in range(10):
        who = FLEET[number % len(FLEET)]
        fleet.task(number, bad=True, choose=lambda found, who=who: who if who in found else "")
    fleet.task(10, bad=False, choose=fleet.random.choice)
    assert fleet.waiting == 0
    assert all(fleet.trusted(name) for name in FLEET)


def test_a_lone_agent_that_says_what_is_wrong_with_its_input_stays_trusted() -> None:
    fleet = Fleet(says_so=True, names=("agent.0",))
    fleet.run(50, bad_share=1.0)
    assert fleet.trusted("agent.0")
    assert fleet.score("agent.0").total == pytest.approx(Fleet().score("agent.0").total)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_lone_agent_with_a_fifth_of_bad_input_that_does_not_say_so_stays_trusted(
    seed: int,
) -> None:
    fleet = Fleet(seed, names=("agent.0",))
    fleet.run(100, bad_share=0.2)
    assert fleet.waiting == 0
    assert fleet.score("agent.0").total > Fleet().score("agent.0").total


def test_a_lone_agent_that_fails_whatever_it_gets_is_not_trusted_any_more() -> None:
    """Events do not tell it from a good one whose every input is bad (docs/decisions.md)."""
    fleet = Fleet(broken="agent.0", names=("agent.0",))
    fleet.run(5, bad_share=0.0)
    assert not fleet.trusted("agent.0")
    other = Fleet(names=("agent.0",))
    other.run(5, bad_share=1.0)
    assert other.score("agent.0").total == pytest.approx(fleet.score("agent.0").total)

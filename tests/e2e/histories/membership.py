"""The whole state machine: rules of tasks and of participants, and races between them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.e2e.histories.base import (
    AGENT,
    AGENTS,
    MOST_TASKS,
    PICK,
    VERBS,
    Step,
    World,
    together,
)
from tests.e2e.histories.participant_rules import ParticipantRules


@contextmanager
def machine_over(world: World) -> Iterator[type[Membership]]:
    """The state machine class, bound to that world's runtime."""
    yield type("MembershipHere", (Membership,), {"world": world})


class Membership(ParticipantRules):
    """Histories in which the same rows are also changed at the same time."""

    @rule(retires=st.booleans(), who=AGENT)
    def tasks_race_for_seats(self, who: str, *, retires: bool) -> None:
        """Several tasks are assigned at once, while somebody may retire."""
        steps: list[Step] = [
            self._submits(self.new_task(), 0, assigned=True, merges=False)
            for _ in range(min(3, MOST_TASKS - len(self.tasks)))
        ]
        if retires and len(self.retiring | {who}) < len(AGENTS):
            self.retiring.add(who)
            steps.append(self._retires(who, "immediate"))
        self.run(together(steps))

    @rule(
        pick=PICK,
        other=PICK,
        verbs=st.lists(st.sampled_from([*VERBS, "checkpoint", "hand off"]), min_size=2, max_size=3),
    )
    def they_race(self, pick: int, other: int, verbs: list[str]) -> None:
        if self.known:
            picks = itertools.cycle([pick, other])
            self.run(together([self.racer(verb, next(picks)) for verb in verbs]))

    def racer(self, verb: str, pick: int) -> Step:
        """The step of one of those who race."""
        held = self.known[pick % len(self.known)]
        if verb == "checkpoint":
            return self.checkpoint(held, max([0, *self.acknowledged.get(held[1], {})]), pick)
        if verb == "hand off":
            return self.agents[held[0]].hand_off(held[1])
        return self.deed(verb, held)

"""State machines as data: a state changes only through a verb (style rule 2)."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from phoenix_runtime.core.errors import IllegalTransition

State = TypeVar("State", bound=StrEnum)
Verb = TypeVar("Verb", bound=str)
"""A service's enumeration of verbs (a StrEnum)."""


@dataclass(frozen=True, slots=True)
class Transition(Generic[State, Verb]):
    """One verb: from any of ``sources`` to ``target``, by any of ``actors``.

    ``None`` among the sources is creation; ``target`` None stays where it is.
    """

    verb: Verb
    sources: frozenset[State | None]
    target: State | None
    actors: frozenset[str]


class Lifecycle(Generic[State, Verb]):
    """The table of one kind of resource."""

    def __init__(
        self, kind: str, transitions: Iterable[Transition[State, Verb]], ends: Iterable[State]
    ) -> None:
        self.kind = kind
        self.transitions = tuple(transitions)
        self.ends = frozenset(ends)

    def apply(self, state: State | None, verb: Verb, actor: str) -> State:
        """The state after ``verb``; raises `IllegalTransition` where the table has no such step."""
        for transition in self.transitions:
            if transition.verb == verb and state in transition.sources:
                if actor not in transition.actors:
                    break
                target = transition.target or state
                if target is not None:  # a creation names its target
                    return target
        raise IllegalTransition(
            kind=self.kind,
            source=state.value if state is not None else "new",
            verb=verb,
            allowed=frozenset(str(name) for name in self.allowed(state, actor)),
        )

    def allowed(self, state: State | None, actor: str | None = None) -> frozenset[Verb]:
        """The verbs that may be used in ``state`` (by ``actor``, where one is given)."""
        return frozenset(
            t.verb
            for t in self.transitions
            if state in t.sources and (actor is None or actor in t.actors)
        )

    def can(self, state: State | None, verb: Verb) -> bool:
        """Whether the table has ``verb`` from ``state`` at all."""
        return verb in self.allowed(state)


def transition(
    verb: Verb,
    sources: Iterable[State | None],
    target: State | None,
    actors: Iterable[str],
) -> Transition[State, Verb]:
    """A row of a lifecycle table."""
    return Transition(verb, frozenset(sources), target, frozenset(actors))

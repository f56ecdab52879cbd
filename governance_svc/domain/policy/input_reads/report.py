"""What the analysis of a bundle's rules found: unknown paths, and what of the content is read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from phoenix_runtime.core.policy_inputs.points import INPUTS, MAY_BE_LEFT_OUT
from phoenix_runtime.core.policy_inputs.shapes import (
    ITEM,
    Path,
    Sort,
    dotted,
    find,
    nearest,
)
from phoenix_runtime.core.verdict import DecisionPoint

ANY_POINT: Final = "*"
"""The root of an input whose point is not known from the package: a path of any point will do."""

BATCH: Final = "batch"
"""The root of what the package `phoenix` reads: the batch of all inputs, which stays unchecked."""

TYPE: Final = "()"
"""The last step of a path of which only the type is read: not what is below it."""

PLACEHOLDER: Final = frozenset({"hidden", "bytes", "hash"})
"""The fields of what stands in place of hidden content."""


@dataclass(frozen=True, slots=True)
class UnknownPath:
    """A rule reads ``path``, which no input of ``point`` has."""

    module: str
    rule: str
    point: str
    path: Path

    @property
    def explanation(self) -> str:
        """One sentence, with the most similar path that exists."""
        where = "no input" if self.point == ANY_POINT else f"no input of {self.point}"
        roots = points_of(self.point)
        near = next((found for one in roots if (found := nearest(INPUTS[one], self.path))), "")
        suggestion = f"; nearest is input.{near}" if near else ""
        return f"rule {self.rule} reads input.{dotted(self.path)}, which {where} has{suggestion}"


@dataclass(frozen=True, slots=True)
class InputReads:
    """What the rules of a bundle read: unknown paths, and every known path by decision point.

    A path that is read through a computed key, or handed to a built-in as a whole, stands for all
    that is below it. ``foreign`` where they use rules that were not analysed, or are used by such:
    what is read by that way is not known.
    """

    unknown: tuple[UnknownPath, ...] = ()
    paths: Mapping[DecisionPoint, frozenset[Path]] = field(default_factory=dict)
    foreign: bool = False

    def hidden_from(self, point: DecisionPoint, hidden: Iterable[Path]) -> tuple[Path, ...]:
        """Those of ``hidden`` that a rule of ``point`` needs, in order."""
        read = self.paths.get(point, frozenset())
        return tuple(one for one in hidden if any(_needs(path, one) for path in read))

    def needed(self, point: DecisionPoint, left_out: Iterable[str]) -> tuple[str, ...]:
        """Those parts of an input, which its asker left out, that a rule of ``point`` may read."""
        parts = MAY_BE_LEFT_OUT.get(point, {})
        return tuple(
            name
            for name in left_out
            if self.foreign or name not in parts or self.hidden_from(point, parts[name])
        )


def points_of(root: str) -> tuple[DecisionPoint, ...]:
    """The decision points whose inputs a root stands for."""
    return tuple(DecisionPoint) if root == ANY_POINT else (DecisionPoint(root),)


def exists(root: str, path: Path) -> bool:
    """Whether an input of ``root`` can have ``path``."""
    if root == BATCH:
        return True
    return any(find(INPUTS[point], path) is not None for point in points_of(root))


def container(root: str, path: Path) -> bool:
    """Whether ``path`` is a list, a map or content, so that a computed key leads to an item."""
    if root == BATCH:
        return True
    shapes = (find(INPUTS[point], path) for point in points_of(root))
    return any(
        one is not None and one.sort in {Sort.LIST, Sort.MAP, Sort.CONTENT} for one in shapes
    )


def _needs(read: Path, hidden: Path) -> bool:
    """Whether who reads ``read`` needs what is hidden at ``hidden``, and not its placeholder."""
    common = min(len(read), len(hidden))
    if not all(a == b or ITEM in {a, b} for a, b in zip(read[:common], hidden, strict=False)):
        return False
    behind = read[len(hidden) :]
    return not (len(behind) == 1 and behind[0] in PLACEHOLDER)

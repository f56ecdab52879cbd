"""Reads values of a data document, and collects what is wrong with them."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from phoenix_runtime.core.errors import Violation
from phoenix_runtime.core.json import Json
from phoenix_runtime.core.standing import RiskLevel

Entry = TypeVar("Entry")


class Reader:
    """Reads values from the document; a wrong one is reported and replaced by a default."""

    def __init__(self) -> None:
        self.violations: list[Violation] = []

    def report(self, path: str, text: str) -> None:
        """Report what is wrong at ``path``."""
        self.violations.append(Violation(f"catalogue.{path}", text))

    def mapping(self, path: str, value: Json) -> Mapping[str, Json]:
        """An object."""
        if isinstance(value, Mapping):
            return value
        self.report(path, "is not an object")
        return {}

    def names(self, path: str, value: Json) -> tuple[str, ...]:
        """A list of texts."""
        items = value if isinstance(value, list | tuple) else [None]
        found = tuple(item for item in items if isinstance(item, str))
        if len(found) != len(items):
            self.report(path, "is not a list of names")
        return found

    def text(self, path: str, value: Json) -> str:
        """A text that is not empty."""
        if isinstance(value, str) and value:
            return value
        self.report(path, "is not a text")
        return ""

    def boolean(self, path: str, value: Json) -> bool:
        """True or false."""
        if isinstance(value, bool):
            return value
        self.report(path, "is neither true nor false")
        return False

    def number(self, path: str, value: Json, *, most: float = 1.0) -> float:
        """A number from 0 to ``most``."""
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most:
            return float(value)
        self.report(path, f"is not a number from 0 to {most:g}")
        return 0.0

    def risk(self, path: str, value: Json) -> RiskLevel:
        """A risk level; the highest where it is none."""
        if isinstance(value, str) and value in tuple(RiskLevel):
            return RiskLevel(value)
        self.report(path, "is not low, medium or high")
        return RiskLevel.HIGH

    def entries(
        self, path: str, value: Json, read: Callable[[str, Mapping[str, Json]], Entry]
    ) -> dict[str, Entry]:
        """Each entry of an object of objects, read by ``read(path, entry)``."""
        found = self.mapping(path, value).items()
        return {
            name: read(f"{path}.{name}", self.mapping(f"{path}.{name}", v)) for name, v in found
        }

"""What one check found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `doctor`: ``remedy`` says what to do where it is not ``ok``."""

    name: str
    found: str
    remedy: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing has to be done."""
        return not self.remedy

    def document(self) -> dict[str, Any]:
        """The finding for programs."""
        return {"ok": self.ok, **asdict(self)}

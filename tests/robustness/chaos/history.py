"""Records what was acknowledged and which faults were injected, as lines of JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """One acknowledged answer; ``at`` in seconds since the beginning.

    ``what`` is submitted, checkpointed or succeeded.
    """

    at: float
    tenant: str
    what: str
    task: str
    version: int = 0
    hash: str = ""


@dataclass(slots=True)
class History:
    """Lines of JSON in ``path``, in the order in which things happened."""

    path: Path
    acknowledged: list[Acknowledged] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)

    @property
    def now(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self.begun

    def note(self, what: str, **facts: Any) -> None:
        """Append one line."""
        with self.path.open("a") as file:
            file.write(json.dumps({"at": round(self.now, 3), "what": what, **facts}) + "\n")

    def acknowledge(self, tenant: str, what: str, task: str, **facts: Any) -> None:
        """Record an acknowledgement."""
        self.acknowledged.append(Acknowledged(self.now, tenant, what, task, **facts))
        self.note(what, tenant=tenant, task=task, **facts)

    def since(self, moment: float, until: float) -> Iterator[Acknowledged]:
        """What was acknowledged from ``moment`` to ``until``."""
        return (one for one in self.acknowledged if moment <= one.at < until)

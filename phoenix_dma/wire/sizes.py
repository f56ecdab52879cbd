"""The sizes of the contract, in bytes, and how a transport says that a message is over its own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

MESSAGE_BYTES: Final = 8 << 20
"""The largest message. A document of `DOCUMENT_BYTES` takes up to 5.5 MiB as a Struct: numbers of
one digit have 2 bytes in JSON and 11 there."""
DOCUMENT_BYTES: Final = 1 << 20
"""The largest input, context or result, in canonical form."""
SUBJECT_BYTES: Final = 64 << 10
"""The largest subject of an action, in canonical form."""

_NUMBERS: Final = r"(?P<size>\d+) vs\.? (?P<limit>\d+)"
_TRANSPORTS: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?:Received|Sent|send) message (?:after decompression )?larger than max \({_NUMBERS}\)",
        r"Decompressed message larger than max",
        rf"received (?P<metadata>metadata) size exceeds \w+ limit \((?:value length )?{_NUMBERS}\)",
        r"message exceeds maximum size (?P<limit>\d+)(?:: (?P<size>\d+))?",
    )
)
"""What gRPC of C++ (and so Python), of Go and of Java say, with the status of a quota."""


@dataclass(frozen=True, slots=True)
class Oversize:
    """What is larger than its limit. A size or limit that nobody said is 0."""

    what: str
    size: int
    limit: int

    @property
    def text(self) -> str:
        """One sentence, the same for every limit, whoever holds it."""
        size = f"has {self.size} bytes" if self.size else "is too large"
        return f"The {self.what} {size}" + (f"; at most {self.limit} are taken" * bool(self.limit))

    @property
    def facts(self) -> dict[str, str]:
        """``what``, ``size_bytes`` and ``limit_bytes``, as far as they are known."""
        known = {"size_bytes": self.size, "limit_bytes": self.limit}
        return {"what": self.what} | {name: str(value) for name, value in known.items() if value}


def oversize_of(details: str | None) -> Oversize | None:
    """What the words of a transport say of a size; None where they say nothing of one."""
    for pattern in _TRANSPORTS:
        found = pattern.search(details or "")
        if found is not None:
            said = found.groupdict()
            what = "metadata" if said.get("metadata") else "message"
            return Oversize(what, int(said.get("size") or 0), int(said.get("limit") or 0))
    return None

"""The identifiers that the runtime makes: prefixed UUIDs of version 7 (RFC 9562)."""

import secrets
import threading
import time
import uuid


class _Sequence:
    """UUIDv7 with 12 bits of counter behind the millisecond: ids of one process sort by time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def next(self) -> uuid.UUID:
        """The next id; a clock that goes back only makes it count on."""
        with self._lock:
            # 60 bits: the millisecond, and its 4096th part as the counter.
            moment = time.time_ns() * 4096 // 1_000_000
            self._last = max(moment, self._last + 1)
            moment = self._last
        high = (moment >> 12) << 16 | 0x7000 | moment & 0xFFF
        low = 1 << 63 | secrets.randbits(62)
        return uuid.UUID(int=high << 64 | low)


_sequence = _Sequence()


def new_id(prefix: str) -> str:
    """``<prefix>.<uuid7>``; implements `core.ids.NewId`."""
    return f"{prefix}.{_sequence.next()}"

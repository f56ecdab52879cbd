"""The identifiers that the runtime makes: prefixed UUIDs of version 7 (RFC 9562)."""

import secrets
import threading
import time


class _Sequence:
    """UUIDv7 with 12 bits of counter behind the millisecond: ids of one process sort by time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def next(self) -> str:
        """The next id, as text; a clock that goes back only makes it count on."""
        with self._lock:
            # 60 bits: the millisecond, and its 4096th part as the counter.
            moment = time.time_ns() * 4096 // 1_000_000
            self._last = max(moment, self._last + 1)
            moment = self._last
        high = (moment >> 12) << 16 | 0x7000 | moment & 0xFFF
        low = 1 << 63 | secrets.randbits(62)
        digits = f"{high << 64 | low:032x}"
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


_sequence = _Sequence()


def new_id(prefix: str) -> str:
    """``<prefix>.<uuid7>``; implements `core.ids.NewId`."""
    return f"{prefix}.{_sequence.next()}"

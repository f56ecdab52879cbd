"""Records what several threads have changed by one write, and tells each of them how that went."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Batch:
    """Changes that are recorded together."""

    def __init__(self) -> None:
        self.led = False
        """True once one of its threads has taken it on to record it."""
        self.at_once = threading.Event()
        self.recorded = threading.Event()
        self.error: BaseException | None = None


class BatchedWrites:
    """Groups writes: one at a time, and whoever comes meanwhile shares the next one.

    ``write`` records everything that has been changed when it is called. A change that nothing
    waits for lingers ``linger_seconds`` for others: LangGraph saves what a superstep's nodes wrote,
    and a moment later, from another thread, the checkpoint that they led to.
    """

    def __init__(self, write: Callable[[], None], linger_seconds: float) -> None:
        self._write = write
        self._linger = linger_seconds
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._open = Batch()

    def record(self, *, at_once: bool) -> None:
        """Return once what the caller has changed is recorded; raises what `write` raised.

        With ``at_once`` nothing lingers any more: neither this change, nor those before it.
        """
        with self._lock:
            batch = self._open
            leads = not batch.led
            batch.led = True
            if at_once:
                batch.at_once.set()
        if leads:
            self._lead(batch)
        else:
            batch.recorded.wait()
        if batch.error is not None:
            raise batch.error

    def _lead(self, batch: Batch) -> None:
        with self._turn:
            batch.at_once.wait(self._linger)
            with self._lock:
                self._open = Batch()
            try:
                self._write()
            except BaseException as error:  # noqa: BLE001  # raised to all of the batch
                batch.error = error
            finally:
                batch.recorded.set()

"""Keeps a script's process alive after its last line, while its participant is attached.

A signal makes it drain. A script that crashed is not kept alive, nor one whose participant was
retired or superseded.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final

from phoenix_dma.script_end import on_script_end

POLL_SECONDS: Final = 0.2
SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class KeepAliveProcess:
    """A thread that the interpreter waits for at exit; it calls ``leave`` once, at the end."""

    def __init__(self, leave: Callable[[], None]) -> None:
        self.exit_code = 0
        """What the process exits with, where the end of its script could be watched."""
        self._leave = leave
        self._over = threading.Event()
        self._asked = False
        self._waiting = False
        self._masks = threading.local()
        self._thread = threading.Thread(target=self._keep, name="phoenix-dma-keeper")

    def start(self) -> None:
        """Start; handles SIGTERM and SIGINT unless the script has handlers of its own."""
        if threading.current_thread() is threading.main_thread():
            os.register_at_fork(
                before=self._forking, after_in_parent=self._forked, after_in_child=self._born
            )
            if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
                signal.signal(signal.SIGTERM, self._on_signal)
            if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
                signal.signal(signal.SIGINT, self._on_signal)
            on_script_end(self._wait)
        self._thread.start()

    def _wait(self) -> None:
        """Wait in the main thread after the script's last line."""
        self._waiting = True
        while self._thread.is_alive():
            # Without a timeout, a signal that arrived just before would not be handled.
            self._thread.join(POLL_SECONDS)
        if self.exit_code:
            raise SystemExit(self.exit_code)

    @property
    def script_over(self) -> bool:
        """True once the script's last line has been executed."""
        return self._waiting or not threading.main_thread().is_alive()

    def finish(self) -> None:
        """Let the process end."""
        self._over.set()

    def _keep(self) -> None:
        main = threading.main_thread()
        while not self._over.wait(POLL_SECONDS):
            if not main.is_alive() and _crashed():
                break
        self._leave()

    def _forking(self) -> None:
        """Hold signals back: one for the child that meets our handler there would be lost."""
        self._masks.before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)

    def _forked(self) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, self._masks.before)

    def _born(self) -> None:
        """In a forked child nothing drains: signals mean there what they mean to any process."""
        if signal.getsignal(signal.SIGTERM) == self._on_signal:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if signal.getsignal(signal.SIGINT) == self._on_signal:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        self._forked()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            os._exit(128 + number)  # a second signal ends the process at once
        self._asked = True
        self._over.set()
        if self.script_over:
            return  # the main thread waits for this thread alone
        if number == signal.SIGINT:
            signal.default_int_handler(number, frame)
        raise SystemExit(0)


def _crashed() -> bool:
    """True where the script's last line was a traceback."""
    return (
        getattr(sys, "last_exc", None) is not None or getattr(sys, "last_value", None) is not None
    )

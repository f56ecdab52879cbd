"""An event loop in a thread of its own, for synchronous code."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from phoenix_dma.forks import OwnProcess
from phoenix_dma.log import EventLog

log = EventLog(__name__)

Found = TypeVar("Found")


class LoopThread:
    """A loop that runs until `stop`; the thread does not keep the process alive by itself."""

    def __init__(self, name: str) -> None:
        self.process = OwnProcess()
        self.loop = asyncio.new_event_loop()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def call(self, coroutine: Coroutine[Any, Any, Found], timeout: float | None = None) -> Found:
        """Run ``coroutine`` there and return what it returns.

        Raises RuntimeError from inside the loop itself, and `ForkedProcess` in a forked child:
        there waiting would never end.
        """
        if self.process.left:
            coroutine.close()
            self.process.require("the client")
        if threading.current_thread() is self._thread:
            coroutine.close()
            raise RuntimeError("an asynchronous handler uses the methods of its task, with await")
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout)

    def stop(self) -> None:
        """End the loop and wait for the thread."""
        if self._thread.is_alive() and not self.process.left:
            self._stopping = True
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            while not self._stopping:
                try:
                    self.loop.run_forever()
                except (SystemExit, KeyboardInterrupt):
                    # Of a task that a handler left behind: asyncio ends the whole loop for these.
                    log.exception("loop_goes_on")
        finally:
            left = asyncio.all_tasks(self.loop)
            for task in left:
                task.cancel()
            self.loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            self.loop.close()

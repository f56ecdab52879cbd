"""The runtime that the tests of a session share."""

from __future__ import annotations

import asyncio
from pathlib import Path

from phoenix_dma.loop_thread import LoopThread


class SharedRuntime:
    """A whole runtime, kept by a thread of its own; a context manager.

    Raises ModuleNotFoundError where the server is not installed.
    """

    def __init__(self) -> None:
        from phoenix_runtime.local.for_tests import RuntimeForTests  # noqa: PLC0415  # of the server

        self._runtime = RuntimeForTests()
        self._thread = LoopThread("phoenix-dma-testing")

    def __enter__(self) -> SharedRuntime:
        try:
            self._thread.call(self._runtime.start())
        except BaseException:
            self._thread.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._thread.call(self._runtime.stop())
        finally:
            self._thread.stop()

    @property
    def logs(self) -> Path:
        """The folder with the services' logs."""
        return self._runtime.folder.logs

    def issuer_profile(self, tenant: str) -> Path:
        """A profile that enrols whomever in ``tenant``; good for five minutes."""
        return self._runtime.issuer_profile(tenant)

    def end_lease(self, tenant: str, participant_id: str, generation: int) -> None:
        """Have the registry take a lease for over now."""
        asyncio.run(self._runtime.end_lease(tenant, participant_id, generation))

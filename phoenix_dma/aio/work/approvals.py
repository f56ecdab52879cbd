"""Waits until a human has decided an approval, as ``approval_decided`` directives report it."""

from __future__ import annotations

import asyncio
from typing import Final

ASK_AGAIN_SECONDS: Final = 10.0
"""After this time the caller asks the runtime all the same: a directive may be lost."""


class ApprovalDecisions:
    """The ``approval_decided`` directives of one participant."""

    def __init__(self) -> None:
        self._events: dict[str, asyncio.Event] = {}

    def decided(self, approval_id: str) -> None:
        """Record a decision, whether or not it is waited for."""
        self._event(approval_id).set()

    async def wait(self, approval_id: str) -> None:
        """Return once the approval has been decided, or after `ASK_AGAIN_SECONDS`."""
        try:
            await asyncio.wait_for(self._event(approval_id).wait(), ASK_AGAIN_SECONDS)
        except TimeoutError:
            return
        # The next wait for the same approval waits for a new decision: policy may ask anew.
        self._events.pop(approval_id, None)

    def _event(self, approval_id: str) -> asyncio.Event:
        return self._events.setdefault(approval_id, asyncio.Event())

"""Waiting for humans: which approvals have been decided, as far as directives told."""

from __future__ import annotations

import asyncio
from typing import Final

ASK_AGAIN: Final = 10.0
"""Seconds after which the house is asked all the same: a directive is news, not the truth."""


class Decisions:
    """The ``approval_decided`` directives of one participant."""

    def __init__(self) -> None:
        self._events: dict[str, asyncio.Event] = {}

    def decided(self, approval_id: str) -> None:
        """A human has decided; it may be that nobody waits yet."""
        self._event(approval_id).set()

    async def wait(self, approval_id: str) -> None:
        """Return once it has been decided, or it is time to ask again."""
        try:
            await asyncio.wait_for(self._event(approval_id).wait(), ASK_AGAIN)
        except TimeoutError:
            return
        # A decided approval that is asked for again is waited for anew: policy may ask anew.
        self._events.pop(approval_id, None)

    def _event(self, approval_id: str) -> asyncio.Event:
        return self._events.setdefault(approval_id, asyncio.Event())

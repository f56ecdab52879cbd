"""Claims due rows of one kind and runs a use case for each; no row stops the others."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import structlog

from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.durations import CLAIM_DURATION
from phoenix_runtime.core.principal import Call

log = structlog.get_logger()

WIDTH = 6
"""How many rows are worked on at once: fewer than the pool has connections."""
LIMIT = 2 * WIDTH
"""Rows of one claim: the last of more would still wait when the claim of all of them ends."""

Claim = Callable[..., Awaitable[Sequence[tuple[str, str]]]]
"""``claim(now, limit=…)`` answers (tenant, id) of claimed rows."""
Work = Callable[[Call, str], Awaitable[object]]
"""A use case for one row."""
CallFor = Callable[[str], Call]
"""The service's own call in a tenant."""


class RowWorker:
    """Claims rows and runs a use case for each; a loop runs `step`."""

    def __init__(self, name: str, claim: Claim, work: Work, *, clock: Clock, call: CallFor) -> None:
        self.name = name
        self._claim = claim
        self._work = work
        self._clock = clock
        self._call = call
        self._width = asyncio.Semaphore(WIDTH)

    async def step(self) -> bool:
        """Work on one claim; True where more may be due, rows of a lower priority for example.

        A row that fails is claimed again when its claim ends. Raises the first failure where no
        row succeeded, so that the loop pauses: most likely a peer is away.
        """
        now: datetime = self._clock.now()
        due = await self._claim(now, limit=LIMIT)
        until = self._clock.monotonic() + CLAIM_DURATION.total_seconds() / 2
        failures = await asyncio.gather(*(self._one(tenant, row, until) for tenant, row in due))
        errors = [error for error in failures if error is not None]
        if errors and len(errors) == len(due):
            raise errors[0]
        return bool(due)

    async def _one(self, tenant: str, row_id: str, until: float) -> Exception | None:
        async with self._width:
            if self._clock.monotonic() > until:
                return None  # its claim ends soon, and another replica may take the row then
            try:
                await self._work(self._call(tenant), row_id)
            except Exception as error:  # whatever it is, the other rows are worked on
                log.warning("row_failed", worker=self.name, row=row_id, exc_info=error)
                return error
        return None

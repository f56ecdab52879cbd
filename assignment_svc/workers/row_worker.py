"""Claims due rows of one kind and runs a use case for each; no row stops the others."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.durations import CLAIM_DURATION
from phoenix_runtime.core.principal import Call

log = structlog.get_logger()

WIDTH = 6
"""How many rows are worked on at once: fewer than the pool has connections."""
TURNS = 2
"""Turns that the rows of one claim take: of more the last would still wait when the claim ends."""

Claim = Callable[..., Awaitable[Sequence[tuple[str, str]]]]
"""``claim(now, limit=…)`` answers (tenant, id) of claimed rows."""
Work = Callable[[Call, str], Awaitable[object]]
"""A use case for one row."""
CallFor = Callable[[str], Call]
"""The service's own call in a tenant."""


@dataclass(frozen=True, slots=True)
class RowKind:
    """A kind of row: how rows of it are claimed, and what is done with each."""

    name: str
    claim: Claim
    work: Work


class RowWorker:
    """Claims rows of one kind and runs its use case for each; a loop runs `step`."""

    def __init__(self, kind: RowKind, *, clock: Clock, call: CallFor) -> None:
        self.name = kind.name
        self._kind = kind
        self._clock = clock
        self._call = call
        self._width = asyncio.Semaphore(WIDTH)

    async def step(self) -> bool:
        """Work on one claim; True where more may be due, rows of a lower priority for example.

        A row that fails is claimed again when its claim ends. Raises the first failure where no
        row succeeded, so that the loop pauses: most likely a peer is away.
        """
        now: datetime = self._clock.now()
        due = await self._kind.claim(now, limit=TURNS * WIDTH)
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
                await self._kind.work(self._call(tenant), row_id)
            except Exception as error:  # whatever it is, the other rows are worked on
                log.warning("row_failed", worker=self.name, row=row_id, exc_info=error)
                return error
        return None

"""WaitForDirectives: answers once directives wait, the long poll of clients without a stream."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from phoenix_runtime.core.directives import Directive
from phoenix_runtime.core.errors import NotFound
from phoenix_runtime.core.principal import Call
from registry_svc.domain.checks import Checks
from registry_svc.domain.session import ParticipantKey
from registry_svc.usecases.context import RegistryContext
from registry_svc.usecases.sessions.directive_queue import DirectiveQueue

LONGEST_WAIT: Final = 20.0
"""Seconds; below what proxies allow a request without an answer."""
MAX_DIRECTIVES: Final = 100
MAX_KNOWN: Final = 100
CONCURRENT_READS: Final = 4
"""Waiting calls that read rows at the same time: their number is not bounded as calls' is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectivesWanted:
    """``wait`` is in seconds; ``known`` directives neither end the wait nor are answered."""

    participant_id: str
    wait: float = 0.0
    known: Sequence[str] = ()


class WaitForDirectives:
    """Answers the directives that wait for a participant, as soon as there are any."""

    def __init__(self, context: RegistryContext, queue: DirectiveQueue) -> None:
        self._context = context
        self._queue = queue
        self._reads = asyncio.Semaphore(CONCURRENT_READS)

    async def __call__(self, call: Call, wanted: DirectivesWanted) -> tuple[Directive, ...]:
        """The directives that are not known to the caller; none after the wait.

        Raises `FieldInvalid`, `NotPermitted`, `NotFound`.
        """
        _check(wanted)
        await self._context.require_self(call, wanted.participant_id, "session.directives")
        if await self._context.find(call, wanted.participant_id) is None:
            raise NotFound("participant", wanted.participant_id)
        loop = asyncio.get_running_loop()
        until = loop.time() + min(wanted.wait, LONGEST_WAIT)
        with self._queue.waiting(ParticipantKey(call.tenant, wanted.participant_id)) as arrived:
            while True:
                # Cleared before the rows are read: what arrives meanwhile is read next.
                arrived.clear()
                found = await self._read(call, wanted)
                if found or loop.time() >= until:
                    return found
                try:
                    async with asyncio.timeout_at(until):
                        await arrived.wait()
                except TimeoutError:
                    continue

    async def _read(self, call: Call, wanted: DirectivesWanted) -> tuple[Directive, ...]:
        """The rows; after a wait once more, for an event of another replica may be lost."""
        limit = MAX_DIRECTIVES + len(wanted.known)
        async with self._reads, self._context.units.reading(call) as unit:
            waiting = await unit.waiting_directives([wanted.participant_id], limit=limit)
        known = set(wanted.known)
        return tuple(one for one in waiting if one.directive_id not in known)[:MAX_DIRECTIVES]


def _check(wanted: DirectivesWanted) -> None:
    checks = Checks()
    checks.identifier("participant_id", wanted.participant_id)
    if wanted.wait < 0:
        checks.refuse("wait", "is negative")
    if len(wanted.known) > MAX_KNOWN:
        checks.refuse("known_directives", f"names more than {MAX_KNOWN}")
    for directive_id in wanted.known[:MAX_KNOWN]:
        checks.identifier("known_directives", directive_id)
    checks.raise_any()

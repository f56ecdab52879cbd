"""EndLeases: ends leases before their time, where debugging is on."""

from registry_svc.domain.lease_store import EndedLeases
from registry_svc.usecases.leases.expire_leases import ExpireLeases


class EndLeases:
    """Before each sweep, ends the leases that somebody who debugs says are over.

    From there on everything is as for a lease that ran out: FAILED, the task moves, and who is
    still attached is told EXPIRED.
    """

    def __init__(self, expire: ExpireLeases, ended: EndedLeases) -> None:
        self._expire = expire
        self._ended = ended

    async def __call__(self) -> float | None:
        """End what is to be ended, and sweep: answers what `ExpireLeases` does, and raises it."""
        ended = await self._ended.take()
        if ended:
            await self._expire.end(ended)
        return await self._expire()

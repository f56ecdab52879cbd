"""Leases: deadlines written behind, the expired claimed, failed and only then removed (I11)."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from phoenix_runtime.core.events import ReasonCode
from registry_svc.domain.hops import Hops
from registry_svc.domain.lease import LeaseTerms
from registry_svc.domain.lifecycle import LEASE_WORKER, losing
from registry_svc.domain.losses import failed_draft
from registry_svc.domain.participant import Participant
from registry_svc.domain.ports import (
    Claim,
    EventPublisher,
    LeaseHolders,
    Leases,
    RegistryUnit,
    Sign,
    SweepState,
)
from registry_svc.domain.presence import LeaseKey, Loss, Presence
from registry_svc.domain.vigil import Vigil
from registry_svc.usecases.parts import Parts, chunks

CLAIM_SECONDS: Final = 10.0
"""How long a claimed lease is left alone by other sweepers."""
SWEPT: Final = 1000
WRITTEN: Final = 5000
NEWS_SECONDS: Final = 10.0
"""At most one HEARTBEAT event a participant in so many seconds."""


class WriteDeadlines:
    """The write-behind: everybody who has beaten since the last time, in a few round trips."""

    def __init__(self, parts: Parts, leases: Leases, vigil: Vigil, terms: LeaseTerms) -> None:
        self._parts = parts
        self._leases = leases
        self._vigil = vigil
        self._terms = terms

    async def __call__(self) -> list[Presence]:
        """Write; answers who had beaten. Raises `Unavailable`, having forgotten nothing."""
        now = self._parts.clock.monotonic()
        self._vigil.look(now)
        await self._leases.watching(self._terms.replica_patience)
        beaten = self._parts.attendance.take_beaten()
        try:
            for chunk in chunks(beaten, WRITTEN):
                await self._leases.write(self._deadlines(chunk, now))
        except BaseException:
            self._parts.attendance.put_back(beaten)
            raise
        self._vigil.written(now)
        return beaten

    def _deadlines(self, beaten: Sequence[Presence], now: float) -> dict[LeaseKey, float]:
        floor, ttl = self._vigil.floor, self._terms.ttl
        return {
            presence.lease: max(presence.lease_from, floor) + ttl - now
            for presence in beaten
            if presence.leased
        }


class SpareSilenced:
    """Nobody expires because of a gateway that hangs: see `domain.hops`."""

    def __init__(self, parts: Parts, hops: Hops) -> None:
        self._parts = parts
        self._hops = hops

    def __call__(self) -> None:
        """Renew the leases of those who cannot be heard; written with the next deadlines."""
        now = self._parts.clock.monotonic()
        for presence in self._hops.silenced(now):
            self._parts.attendance.spare(presence, now)


class AnnounceBeats:
    """HEARTBEAT on the bus, coalesced; straight from here, as a beat is no audit event."""

    def __init__(self, parts: Parts, news: EventPublisher) -> None:
        self._parts = parts
        self._news = news

    async def __call__(self, beaten: Sequence[Presence]) -> None:
        """Tell of those who were not told of for a while. Raises `Unavailable`."""
        now = self._parts.clock.monotonic()
        heard = [one for one in beaten if one.last_beat is not None]
        due = [one for one in heard if now - one.announced >= NEWS_SECONDS]
        for chunk in chunks(due):
            signs = [
                Sign(one.key.tenant, one.key.participant_id, one.vitals(None)) for one in chunk
            ]
            await self._news.heartbeats(signs)
            for one in chunk:
                one.announced = now


class SeedLeases:
    """Everybody's deadline again from PostgreSQL, at now + TTL: a grace, never a failure."""

    def __init__(
        self,
        parts: Parts,
        leases: Leases,
        holders: LeaseHolders,
        vigil: Vigil,
        terms: LeaseTerms,
    ) -> None:
        self._clock = parts.clock
        self._leases = leases
        self._holders = holders
        self._vigil = vigil
        self._terms = terms

    async def __call__(self) -> None:
        """Seed. Raises `Unavailable`; nobody expires before it has succeeded."""
        asked = self._clock.monotonic()
        holders = await self._holders.all()
        for chunk in chunks(holders, WRITTEN):
            await self._leases.write(dict.fromkeys(chunk, self._terms.ttl))
        await self._leases.seeded()
        self._vigil.written(asked)
        self._vigil.seeded(asked)


class ExpireLeases:
    """The sweep. A sweeper that dies halfway delays, and loses nothing."""

    def __init__(
        self, parts: Parts, leases: Leases, seed: SeedLeases, vigil: Vigil, terms: LeaseTerms
    ) -> None:
        self._parts = parts
        self._leases = leases
        self._seed = seed
        self._vigil = vigil
        self._terms = terms

    async def __call__(self) -> None:
        """Fail everybody whose lease has run out, unless the silence may be our own."""
        while True:
            asked = self._parts.clock.monotonic()
            self._vigil.look(asked)
            if self._vigil.needs_seeding:
                await self._seed()
                return
            sweep = await self._leases.sweep(SWEPT)
            if sweep.state is not SweepState.STEADY:
                self._vigil.doubt(asked)
                await self._seed()
                return
            await self._fail(sweep.claims, asked)
            if len(sweep.claims) < SWEPT:
                return

    async def _fail(self, claims: Sequence[Claim], asked: float) -> None:
        by_tenant: defaultdict[str, list[Claim]] = defaultdict(list)
        for claim in claims:
            if self._silent(claim.lease):
                by_tenant[claim.lease.tenant].append(claim)
        for tenant, members in by_tenant.items():
            for chunk in chunks(members):
                # Stopped in between, we would act on a claim that others hold by now.
                if self._parts.clock.monotonic() - asked > CLAIM_SECONDS / 2:
                    return
                await self._commit(tenant, chunk)
                await self._leases.release(chunk)

    def _silent(self, lease: LeaseKey) -> bool:
        """Whether memory agrees; a beat that is not written yet is written next."""
        presence = self._parts.attendance.get(lease.key)
        if presence is None or presence.generation != lease.generation:
            return True
        now = self._parts.clock.monotonic()
        if max(presence.lease_from, self._vigil.floor) + self._terms.ttl <= now:
            return True
        self._parts.attendance.renew(presence)
        return False

    async def _commit(self, tenant: str, claims: Sequence[Claim]) -> None:
        """FAILED, conditional on the generation: a newer one is somebody else's lease."""
        lost = []
        async with self._parts.units(self._parts.own_call(tenant)) as unit:
            rows = await unit.lock([claim.lease.participant_id for claim in claims])
            for claim in claims:
                row = rows.get(claim.lease.participant_id)
                if row is None or row.generation != claim.lease.generation:
                    continue
                if row.holds_lease:
                    lost.append(await self._lose(unit, tenant, row))
            await unit.save(lost)
        for claim in claims:
            self._parts.attendance.drop(claim.lease, Loss.EXPIRED, "Its lease ran out.")

    async def _lose(self, unit: RegistryUnit, tenant: str, row: Participant) -> Participant:
        at = self._parts.clock.now()
        reason = ReasonCode.PARTICIPANT_FAILED
        after = row.moved(losing(row.status), LEASE_WORKER, at=at, reason=reason)
        heard = self._parts.view(tenant, row).heard_at
        presence = self._parts.attendance.get(LeaseKey(tenant, row.id, row.generation).key)
        tally = presence.tally(self._parts.clock.monotonic()) if presence is not None else None
        await unit.audit(failed_draft(row, after, heard, tally))
        return after

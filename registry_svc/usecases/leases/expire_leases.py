"""ExpireLeases: expires leases whose deadline has passed and commits FAILED for each.

An expired lease is claimed, its holder failed, and only then the lease removed (I11). A replica
that dies in between delays the failure and loses nothing: the claim lapses.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from registry_svc.domain import participant_events
from registry_svc.domain.lease import CLAIM_SECONDS, LeaseTerms
from registry_svc.domain.lease_store import LeaseClaim, LeaseStore, LeaseStoreState
from registry_svc.domain.participant import Participant
from registry_svc.domain.ports import Unit
from registry_svc.domain.session import LeaseKey, LeaseLostReason, ParticipantKey
from registry_svc.domain.stall_detector import StallDetector
from registry_svc.usecases.context import RegistryContext, chunks
from registry_svc.usecases.leases.seed_leases import SeedLeases

CLAIMED_AT_ONCE: Final = 1000
RESTS_PER_LEASE: Final = 20
"""How often expired leases are looked for within a lease at least, known deadlines or not."""


class ExpireLeases:
    """Expires leases, unless the silence may be this replica's own fault."""

    def __init__(
        self,
        context: RegistryContext,
        leases: LeaseStore,
        seed: SeedLeases,
        stall_detector: StallDetector,
        terms: LeaseTerms,
    ) -> None:
        self._context = context
        self._leases = leases
        self._seed = seed
        self._stall_detector = stall_detector
        self._terms = terms

    async def __call__(self) -> float | None:
        """Fail everybody whose lease has expired, or seed the deadlines anew. Raises `Unavailable`.

        Deadlines are seeded after a stall of this replica, and where the lease store is not steady.
        Answers the seconds in which no lease can expire; None where that is not known.
        """
        while True:
            asked = self._context.clock.monotonic()
            self._stall_detector.check(asked)
            if self._stall_detector.needs_seeding:
                await self._seed()
                return None
            sweep = await self._leases.claim_expired(CLAIMED_AT_ONCE)
            if sweep.state is not LeaseStoreState.STEADY:
                self._stall_detector.reset(asked)
                await self._seed()
                return None
            await self._fail(sweep.claims, asked)
            if len(sweep.claims) < CLAIMED_AT_ONCE:
                # A deadline written meanwhile lies nearly a whole lease ahead.
                longest = self._terms.ttl / RESTS_PER_LEASE
                return longest if sweep.next_in is None else min(sweep.next_in, longest)

    async def end(self, leases: Sequence[LeaseKey]) -> None:
        """Fail who holds these leases, as if they had run out, whatever memory says."""
        # Of no score: a deadline that is still there lapses by itself, and finds nobody.
        claims = [LeaseClaim(lease, score=0) for lease in leases]
        await self._commit_all(claims, self._context.clock.monotonic())

    async def _fail(self, claims: Sequence[LeaseClaim], asked: float) -> None:
        await self._commit_all([one for one in claims if self._silent(one.lease)], asked)

    async def _commit_all(self, claims: Sequence[LeaseClaim], asked: float) -> None:
        by_tenant: defaultdict[str, list[LeaseClaim]] = defaultdict(list)
        for claim in claims:
            by_tenant[claim.lease.tenant].append(claim)
        for tenant, members in by_tenant.items():
            for chunk in chunks(members):
                # After a stall in between, another replica may hold the claim by now.
                if self._context.clock.monotonic() - asked > CLAIM_SECONDS / 2:
                    return
                await self._commit(tenant, chunk)
                await self._leases.release(chunk)

    def _silent(self, lease: LeaseKey) -> bool:
        """Whether memory agrees; a heartbeat that is not written yet is written next."""
        session = self._context.sessions.get(lease.key)
        if session is None or session.generation != lease.generation:
            return True
        now = self._context.clock.monotonic()
        renewed = max(session.lease_from, self._stall_detector.silence_floor)
        if renewed + self._terms.ttl <= now:
            return True
        self._context.sessions.rewrite_deadline(session)
        return False

    async def _commit(self, tenant: str, claims: Sequence[LeaseClaim]) -> None:
        """Commit FAILED on condition of the generation: a newer one holds a lease of its own."""
        failed = []
        async with self._context.units(self._context.own_call(tenant)) as unit:
            ids = [claim.lease.participant_id for claim in claims]
            rows = await unit.lock_participants(ids)
            for claim in claims:
                row = rows.get(claim.lease.participant_id)
                if row is None or row.generation != claim.lease.generation:
                    continue
                if row.holds_lease:
                    failed.append(await self._expire(unit, tenant, row))
            await unit.save_participants(failed)
        for claim in claims:
            text = "Its lease ran out."
            self._context.sessions.end_session(claim.lease, LeaseLostReason.EXPIRED, text)

    async def _expire(self, unit: Unit, tenant: str, row: Participant) -> Participant:
        after = row.expire_lease(at=self._context.clock.now())
        last_beat_at = self._context.view(tenant, row).last_beat_at
        session = self._context.sessions.get(ParticipantKey(tenant, row.id))
        now = self._context.clock.monotonic()
        summary = session.summary(now) if session is not None else None
        await unit.audit(participant_events.failed(row, after, last_beat_at, summary))
        return after

"""FollowTrust: keeps the trust by which the indexes of discovery order participants.

Governance computes trust from the audit. Whoever comes into an index is asked about before anybody
is placed in it. An event with evidence is read in the round after the next, which leaves governance
one interval at least to project it. An event may be lost, and evidence fades with its age, so
everybody's trust is read again every `REFRESH_SECONDS`.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.waiting.together import Together
from registry_svc.domain.discovery_index import DiscoveryIndex, TenantIndex
from registry_svc.domain.ports import TrustSource
from registry_svc.domain.session import ParticipantKey
from registry_svc.usecases.context import RegistryContext, chunks

REFRESH_SECONDS: Final = 300.0
"""The interval at which everybody's trust is read again."""
READ: Final = 2000
"""Participants of a tenant that one round reads, those with new evidence before all others."""
WAITING: Final = 1000
"""Searches that wait for the same reading."""


class FollowTrust:
    """Reads the trust in who is new, whom an event is about, and now and then everybody."""

    def __init__(
        self, context: RegistryContext, index: DiscoveryIndex, source: TrustSource
    ) -> None:
        self._context = context
        self._index = index
        self._source = source
        self._noticed: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._due: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._all_noticed: set[str] = set()
        self._to_refresh: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._refresh_at: dict[str, float] = {}
        self._completions = Together(self._complete_once, most=WAITING)

    def noticed(self, key: ParticipantKey) -> None:
        """Note that there is new evidence about a participant.

        Where its tenant has no index yet, one that is loaded in a moment may read too soon.
        """
        self._noticed[key.tenant][key.participant_id] = None

    def all_noticed(self, tenant: str) -> None:
        """Note that everybody's trust may be another: by another policy, say."""
        self._all_noticed.add(tenant)

    async def complete(self, call: Call, index: TenantIndex) -> None:
        """Return when everybody has a trust who is in the index now.

        Who joins meanwhile is waited for by the next search: in a crowd that joins there is always
        somebody. Raises `PolicyEngineUnavailable`.
        """
        if index.untrusted():
            await self._completions(call.tenant, index)

    async def __call__(self) -> None:
        """One round: every tenant is read, whatever became of the others.

        Raises the first tenant's `PolicyEngineUnavailable`, or whatever it was, at the end; the
        next round reads the same.
        """
        failures: list[Exception] = []
        waiting = (self._noticed, self._all_noticed, self._due, self._to_refresh)
        for tenant in {*self._index.tenants()}.union(*waiting):
            try:
                await self._follow(tenant)
            except Exception as error:  # noqa: BLE001  # raised once the others have been read
                failures.append(error)
        if failures:
            raise failures[0]

    async def _follow(self, tenant: str) -> None:
        index = self._index.get(tenant)
        if index is None:
            self._refresh_at.pop(tenant, None)
            self._due.pop(tenant, None)
            self._to_refresh.pop(tenant, None)
        else:
            read = await self._read_some(tenant, index, self._due, READ)
            await self._read_some(tenant, index, self._to_refresh, READ - read)
            self._refresh(tenant, index)
        self._all_noticed.discard(tenant)
        if noticed := self._noticed.pop(tenant, None):
            self._due[tenant].update(noticed)

    async def _read_some(
        self, tenant: str, index: TenantIndex, waiting: dict[str, dict[str, None]], most: int
    ) -> int:
        """Read so many of those who wait at most; answers how many. New evidence goes first."""
        names = waiting.get(tenant, {})
        some = list(names)[:most]
        await self._read(tenant, index, some)
        for participant_id in some:
            del names[participant_id]
        if not names:
            waiting.pop(tenant, None)
        return len(some)

    def _refresh(self, tenant: str, index: TenantIndex) -> None:
        now = self._context.clock.monotonic()
        due = now >= self._refresh_at.setdefault(tenant, now + REFRESH_SECONDS)
        if due or tenant in self._all_noticed:
            self._refresh_at[tenant] = now + REFRESH_SECONDS
            self._to_refresh[tenant].update(dict.fromkeys(index.participants()))

    async def _complete_once(self, tenant: str, waiting: Sequence[TenantIndex]) -> Sequence[None]:
        for index in dict.fromkeys(waiting):
            await self._read(tenant, index, index.untrusted())
        return [None] * len(waiting)

    async def _read(self, tenant: str, index: TenantIndex, ids: Iterable[str]) -> None:
        call = self._context.own_call(tenant)
        for chunk in chunks(ids):
            trusts = await self._source.trust_of(call, chunk)
            index.trust(dict(zip(chunk, trusts, strict=True)))

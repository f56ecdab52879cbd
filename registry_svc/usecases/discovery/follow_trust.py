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
"""Participants of a tenant that one round reads: a refresh delays nothing else."""
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
        self._refresh_at: dict[str, float] = {}
        self._completions = Together(self._complete_once, most=WAITING)

    def noticed(self, key: ParticipantKey) -> None:
        """Note that there is new evidence about a participant.

        Where its tenant has no index yet, one that is loaded in a moment may read too soon.
        """
        self._noticed[key.tenant][key.participant_id] = None

    def all_noticed(self, tenant: str) -> None:
        """Note that everybody's trust may be another: by another policy, say."""
        index = self._index.get(tenant)
        if index is not None:
            self._noticed[tenant].update(dict.fromkeys(index.participants()))

    async def complete(self, call: Call, index: TenantIndex) -> None:
        """Return when everybody in the index has a trust. Raises `PolicyEngineUnavailable`."""
        while index.untrusted():
            await self._completions(call.tenant, index)

    async def __call__(self) -> None:
        """One round. Raises `PolicyEngineUnavailable`, and reads the same in the next."""
        for tenant in {*self._index.tenants(), *self._noticed, *self._due}:
            index = self._index.get(tenant)
            if index is None:
                self._refresh_at.pop(tenant, None)
                self._due.pop(tenant, None)
            else:
                await self._read_due(tenant, index)
                self._refresh(tenant, index)
            if noticed := self._noticed.pop(tenant, None):
                self._due[tenant].update(noticed)

    async def _read_due(self, tenant: str, index: TenantIndex) -> None:
        due = self._due[tenant]
        some = list(due)[:READ]
        await self._read(tenant, index, some)
        for participant_id in some:
            del due[participant_id]
        if not due:
            del self._due[tenant]

    def _refresh(self, tenant: str, index: TenantIndex) -> None:
        now = self._context.clock.monotonic()
        if now >= self._refresh_at.setdefault(tenant, now + REFRESH_SECONDS):
            self._refresh_at[tenant] = now + REFRESH_SECONDS
            self._due[tenant].update(dict.fromkeys(index.participants()))

    async def _complete_once(self, tenant: str, waiting: Sequence[TenantIndex]) -> Sequence[None]:
        for index in dict.fromkeys(waiting):
            await self._read(tenant, index, index.untrusted())
        return [None] * len(waiting)

    async def _read(self, tenant: str, index: TenantIndex, ids: Iterable[str]) -> None:
        call = self._context.own_call(tenant)
        for chunk in chunks(ids):
            trusts = await self._source.trust_of(call, chunk)
            index.trust(dict(zip(chunk, trusts, strict=True)))

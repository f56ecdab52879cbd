"""Several registries beside each other: each learns what the others heard, changed and were given.

Rows, leases and directives are everybody's; memory is each replica's own. News keeps memory in step
within milliseconds, and since news may be lost, a slow round does the same without any.
"""

from collections import defaultdict
from typing import Final

from phoenix_runtime.core.wakeup import WakeUp
from registry_svc.domain.ports import EventPublisher
from registry_svc.domain.presence import Key
from registry_svc.domain.vitals import Vitals
from registry_svc.usecases.attend import learn
from registry_svc.usecases.directives import Mail
from registry_svc.usecases.parts import Parts, chunks

ROUND_SECONDS: Final = 10.0
"""How often everybody who is here is looked at without news."""


class KeepAbreast:
    """What PostgreSQL has is what memory has, whichever replica wrote it."""

    def __init__(self, parts: Parts, mail: Mail, wake_up: WakeUp) -> None:
        self._parts = parts
        self._mail = mail
        self._bell = wake_up
        self._changed: set[Key] = set()
        self._next_round = float("-inf")

    def heard(self, key: Key, vitals: Vitals) -> None:
        """Another replica has heard a beat."""
        self._parts.attendance.heard_of(key, vitals)

    def given(self, key: Key) -> None:
        """Another replica was given directives for somebody whom it does not have."""
        if self._parts.attendance.connected(key):
            self._mail.want([key])

    def changed(self, key: Key, status: str) -> None:
        """Somebody has ``status`` now; nothing is read where that is known already."""
        presence = self._parts.attendance.get(key)
        if presence is not None and presence.status.value != status:
            self._note(key)

    def registered(self, key: Key) -> None:
        """Somebody has a new generation; which, the row knows."""
        if self._parts.attendance.get(key) is not None:
            self._note(key)

    async def __call__(self) -> None:
        """Look at the rows of those of whom there is news; in the slow round at everybody's."""
        now = self._parts.clock.monotonic()
        if now >= self._next_round:
            self._next_round = now + ROUND_SECONDS
            self._changed.update(one.key for one in self._parts.attendance)
            self._mail.want(key for key in self._changed if self._parts.attendance.connected(key))
        changed, self._changed = self._changed, set()
        try:
            await self._look(changed)
        except BaseException:
            self._changed |= changed
            raise

    async def _look(self, changed: set[Key]) -> None:
        by_tenant: defaultdict[str, list[str]] = defaultdict(list)
        for key in changed:
            by_tenant[key.tenant].append(key.participant_id)
        for tenant, ids in by_tenant.items():
            for chunk in chunks(ids):
                for row in await self._parts.registry.many(tenant, chunk):
                    presence = self._parts.attendance.get(Key(tenant, row.id))
                    if presence is not None:
                        learn(self._parts.attendance, presence, row)

    def _note(self, key: Key) -> None:
        self._changed.add(key)
        self._bell.notify()


class PassOnMail:
    """Tells the other replicas of directives for those whom this one does not have."""

    def __init__(self, mail: Mail, news: EventPublisher) -> None:
        self._mail = mail
        self._news = news

    async def __call__(self) -> None:
        """Tell. Raises `Unavailable`, having forgotten nothing; the others' rounds find them."""
        absent = self._mail.take_absent()
        try:
            for chunk in chunks(absent):
                await self._news.mail(chunk)
        except BaseException:
            self._mail.absent(absent)
            raise

"""Directives: rows until acknowledged; the stream is only the courier, and has bounded credit."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from phoenix_runtime.core.directives import Directive
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.wakeup import WakeUp
from registry_svc.domain.checks import Checks
from registry_svc.domain.ports import Acknowledgement
from registry_svc.domain.presence import Key, Presence
from registry_svc.usecases.parts import Parts, chunks, require_identifiers

MOST_SENT: Final = 500
CREDIT: Final = 32
"""Directives on their way to one participant and not acknowledged yet (I14)."""
AGAIN_SECONDS: Final = 5.0
"""After which an unacknowledged directive is sent once more."""
LONGEST_ERROR: Final = 1000
FACTS_SIZE: Final = 4096


class SendDirectives:
    """Raises `FieldInvalid`."""

    def __init__(self, parts: Parts, mail: "Mail") -> None:
        self._parts = parts
        self._mail = mail

    async def __call__(self, call: Call, directives: Sequence[Directive]) -> int:
        """Keep directives until acknowledged; answers how many were new."""
        _check(directives)
        async with self._parts.units(call) as unit:
            accepted = await unit.store_directives(directives)
        keys = {Key(call.tenant, one.participant_id) for one in directives}
        here = {key for key in keys if self._parts.attendance.connected(key)}
        self._mail.want(here)
        self._mail.absent(keys - here)
        return accepted


class Mail:
    """Who is to get mail, and which mail has been answered. Memory only; the rows are the truth."""

    def __init__(self, wake_up: WakeUp) -> None:
        self._bell = wake_up
        self._wanted: set[Key] = set()
        self._absent: set[Key] = set()
        self._answered: list[tuple[Key, Acknowledgement]] = []

    def want(self, keys: Iterable[Key]) -> None:
        """Something may wait for these participants."""
        self._wanted.update(keys)
        self._bell.notify()

    def absent(self, keys: Iterable[Key]) -> None:
        """Something waits for these, and they are on no stream of this replica."""
        self._absent.update(keys)
        self._bell.notify()

    def take_absent(self) -> set[Key]:
        """Of whom the others are to be told; the caller puts back whom it could not tell of."""
        taken, self._absent = self._absent, set()
        return taken

    def answered(self, presence: Presence, directive_id: str, error: str) -> None:
        """A participant acknowledges, or refuses with an ``error``; raises `FieldInvalid`."""
        require_identifiers("directive_id", directive_id)
        # PostgreSQL keeps no U+0000, and one bad text would hold up everybody's acknowledgements.
        words = error[:LONGEST_ERROR].replace("\0", " ")
        ack = Acknowledgement(presence.key.participant_id, directive_id, words)
        self._answered.append((presence.key, ack))
        self._bell.notify()

    def take_answered(self) -> list[tuple[Key, Acknowledgement]]:
        """What is to be committed; the caller puts back what it could not."""
        taken, self._answered = self._answered, []
        return taken

    def put_back(self, answered: list[tuple[Key, Acknowledgement]]) -> None:
        """Still to be committed."""
        self._answered = answered + self._answered

    def take_wanted(self) -> set[Key]:
        """Who is to be looked after."""
        taken, self._wanted = self._wanted, set()
        return taken


class CarryDirectives:
    """Commits acknowledgements, then sends what waits; again what was not acknowledged."""

    def __init__(self, parts: Parts, mail: Mail, *, again: float = AGAIN_SECONDS) -> None:
        self._parts = parts
        self._mail = mail
        self._again = again
        self._open: dict[Key, Presence] = {}
        self._later: set[Key] = set()

    async def __call__(self) -> None:
        """One round."""
        await self._commit()
        now = self._parts.clock.monotonic()
        wanted = self._mail.take_wanted() | self._due(now) | self._later
        self._later = set()
        by_tenant: defaultdict[str, dict[str, Presence]] = defaultdict(dict)
        for key in wanted:
            presence = self._parts.attendance.get(key)
            if presence is not None and presence.line is not None:
                by_tenant[key.tenant][key.participant_id] = presence
        try:
            for tenant, members in by_tenant.items():
                for ids in chunks(members):
                    await self._carry(tenant, {one: members[one] for one in ids}, now)
        except BaseException:
            self._mail.want(wanted)
            raise

    async def _commit(self) -> None:
        """An acknowledged directive stays in flight until its row says so: none comes twice."""
        answered = self._mail.take_answered()
        by_tenant: defaultdict[str, list[Acknowledgement]] = defaultdict(list)
        for key, ack in answered:
            by_tenant[key.tenant].append(ack)
        try:
            for tenant, acks in by_tenant.items():
                async with self._parts.units(self._parts.own_call(tenant)) as unit:
                    await unit.acknowledge(acks)
        except BaseException:
            self._mail.put_back(answered)
            raise
        for key, ack in answered:
            self._landed(key, ack)

    def _landed(self, key: Key, ack: Acknowledgement) -> None:
        presence = self._parts.attendance.get(key)
        if presence is None:
            return
        full = len(presence.in_flight) >= CREDIT
        presence.in_flight.pop(ack.directive_id, None)
        if not presence.in_flight:
            self._open.pop(key, None)
        if full or not presence.in_flight:
            self._mail.want([key])

    def _due(self, now: float) -> set[Key]:
        """Whose oldest directive was sent long enough ago."""
        return {
            key
            for key, presence in self._open.items()
            if now - min(presence.in_flight.values(), default=now) >= self._again
        }

    async def _carry(self, tenant: str, members: dict[str, Presence], now: float) -> None:
        waiting = await self._parts.registry.waiting(tenant, list(members), limit=CREDIT)
        for directive in waiting:
            presence = members[directive.participant_id]
            sent = presence.in_flight.get(directive.directive_id)
            if sent is not None and now - sent < self._again:
                continue
            if presence.line is None:
                continue
            if presence.line.direct(presence.slot, directive):
                presence.in_flight[directive.directive_id] = now
                self._open[presence.key] = presence
            else:
                self._later.add(presence.key)  # no room: looked after in the next round


def _check(directives: Sequence[Directive]) -> None:
    checks = Checks()
    if len(directives) > MOST_SENT:
        checks.refuse("directives", f"has {len(directives)} entries; at most {MOST_SENT} are taken")
    for index, one in enumerate(directives[:MOST_SENT]):
        at = f"directives[{index}]"
        checks.identifier(f"{at}.directive_id", one.directive_id)
        checks.identifier(f"{at}.participant_id", one.participant_id)
        for name in ("task_id", "handoff_id", "offer_id"):
            if getattr(one, name):
                checks.identifier(f"{at}.{name}", getattr(one, name))
        if one.epoch < 0:
            checks.refuse(f"{at}.epoch", "is negative")
        size = sum(len(name) + len(value) for name, value in one.facts.items())
        if size > FACTS_SIZE:
            checks.refuse(f"{at}.facts", f"has {size} characters; at most {FACTS_SIZE} are taken")
        if any("\0" in text for fact in one.facts.items() for text in fact):
            checks.refuse(f"{at}.facts", "contains the character U+0000")
    checks.raise_any()

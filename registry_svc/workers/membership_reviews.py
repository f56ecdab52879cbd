"""Reviews memberships: at once after an event, and everybody's in a slow round."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from phoenix_runtime.chassis.delivery.bus_events import BusEvent
from phoenix_runtime.chassis.loops import Loop
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.events import AuditEventType
from registry_svc.usecases.participants.review_members import ReviewMembers

ROUND_SECONDS: Final = 3600.0
"""The interval at which everybody is reviewed without an event: trust changes without one."""
FIRST_ROUND_SECONDS: Final = 60.0
"""The first round comes after a start, when the other services are up, for what was missed."""
CERTIFIED: Final = frozenset(
    {AuditEventType.CERTIFICATION_GRANTED.value, AuditEventType.CERTIFICATION_REVOKED.value}
)
POLICY_ACTIVATED: Final = AuditEventType.POLICY_ACTIVATED.value


class MembershipReviews:
    """A queue of tenants and participants to review, and the loops that review them."""

    def __init__(
        self,
        review: ReviewMembers,
        tenants: Callable[[], Awaitable[Sequence[str]]],
        clock: Clock,
    ) -> None:
        self._review = review
        self._tenants = tenants
        self._clock = clock
        self._next_round = clock.monotonic() + FIRST_ROUND_SECONDS
        self._due: dict[tuple[str, str], None] = {}
        self._reviewing = Loop("registry_review", ROUND_SECONDS, self._review_next, linger=0.05)
        self._round = Loop("registry_review_round", FIRST_ROUND_SECONDS, self._note_everybody)

    async def start(self) -> None:
        """Start the loops."""
        await self._reviewing.start()
        await self._round.start()

    async def stop(self) -> None:
        """Stop after the review under way."""
        await self._round.stop()
        await self._reviewing.stop()

    def handle(self, bus_event: BusEvent) -> None:
        """Note whom an activated policy or a changed certification is about."""
        if bus_event.audit_type == POLICY_ACTIVATED:
            self._note(bus_event.tenant, "")
        elif bus_event.audit_type in CERTIFIED and bus_event.participant:
            self._note(bus_event.tenant, bus_event.participant)

    def _note(self, tenant: str, participant_id: str) -> None:
        self._due[(tenant, participant_id)] = None
        self._reviewing.wake()

    async def _review_next(self) -> bool:
        """Review what was noted first; what could not be judged is tried again."""
        if not self._due:
            return False
        tenant, participant_id = key = next(iter(self._due))
        # Removed first: an event that comes during the review is about something newer.
        del self._due[key]
        try:
            await self._review(tenant, participant_id)
        except BaseException:
            self._note(tenant, participant_id)
            raise
        return bool(self._due)

    async def _note_everybody(self) -> None:
        now = self._clock.monotonic()
        if now < self._next_round:
            return
        for tenant in await self._tenants():
            self._note(tenant, "")
        self._next_round = now + ROUND_SECONDS

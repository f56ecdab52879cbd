"""The participant aggregate: one identity over all its generations, and its transitions.

A transition is a method that returns the next value. It raises `IllegalTransition` where the
lifecycle has no such step; the caller writes the value and the audit event in one commit.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from phoenix_runtime.core.errors import EtagMismatch, IllegalTransition
from phoenix_runtime.core.events import ReasonCode
from phoenix_runtime.core.standing import Liveness, ParticipantStatus, Standing
from phoenix_runtime.core.verdict import Grants
from registry_svc.domain.declaration import Declaration
from registry_svc.domain.health import UNKNOWN_HEALTH, Health, HealthState
from registry_svc.domain.lifecycle import (
    ASSIGNMENT,
    GONE,
    LEASE_WORKER,
    LEASED_STATES,
    LIFECYCLE,
    OPERATOR,
    PARTICIPANT,
    UNCHANGEABLE,
    ParticipantVerb,
    expiry_verb,
    heartbeat_verb,
    registration_verb,
    reinstatement_verb,
    suspension_verb,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """One identity. Changed only by its methods, each a step that is audited once.

    ``generation`` counts registrations from 1. ``standing_revision`` grows with every transition
    and every change of capabilities, grants or capacity; ``version`` with every audit event.
    """

    declaration: Declaration
    status: ParticipantStatus
    grants: Grants
    generation: int
    standing_revision: int
    version: int
    created_at: datetime
    updated_at: datetime
    status_reason: str = ""
    retirement_id: str = ""
    credential: str = ""
    """The enrolment that it held when it registered itself; empty where an operator did."""

    @property
    def id(self) -> str:
        """The stable identity."""
        return self.declaration.id

    @property
    def aggregate(self) -> str:
        """The name of the aggregate in the audit."""
        return aggregate_of(self.id)

    @property
    def liveness(self) -> Liveness:
        """Whether the participant has to send heartbeats."""
        return self.declaration.effective_liveness

    @property
    def etag(self) -> str:
        """A text that changes with every change of the participant."""
        return f"{self.generation}.{self.standing_revision}"

    @property
    def lease_is_lost(self) -> bool:
        """Whether a RETIRING participant was lost or suspended, so that nobody waits for it."""
        present = self.status_reason == ReasonCode.PARTICIPANT_RETIREMENT
        return self.status is ParticipantStatus.RETIRING and not present

    @property
    def holds_lease(self) -> bool:
        """Whether its heartbeats are waited for."""
        leased = self.liveness is Liveness.LEASED and self.status in LEASED_STATES
        return leased and not self.lease_is_lost

    @property
    def accepts_heartbeats(self) -> bool:
        """Whether a heartbeat of this generation counts: it revives nobody who is gone."""
        return self.status not in GONE and not self.lease_is_lost

    def begun_retirement(self, retirement_id: str) -> bool:
        """Whether this retirement has begun, or has even finished."""
        begun = self.status in {ParticipantStatus.RETIRING, ParticipantStatus.RETIRED}
        return begun and self.retirement_id == retirement_id

    def finished_retirement(self, retirement_id: str) -> bool:
        """Whether this retirement has finished."""
        return self.status is ParticipantStatus.RETIRED and self.retirement_id == retirement_id

    def require_changeable(self, etag: str) -> None:
        """Raise `EtagMismatch` for another etag, `IllegalTransition` where claims stay as they are.

        An empty ``etag`` matches every participant.
        """
        if etag and etag != self.etag:
            raise EtagMismatch(self.etag)
        if self.status in UNCHANGEABLE:
            raise IllegalTransition(
                kind=LIFECYCLE.kind,
                source=self.status.value,
                verb="update_capabilities",
                allowed=LIFECYCLE.allowed(self.status),
            )

    def change_grants(
        self, declaration: Declaration, grants: Grants, *, at: datetime
    ) -> "Participant":
        """The participant with other claims, and with what was granted of them."""
        return replace(self._revised(at), declaration=declaration, grants=grants)

    def report_health(self, state: HealthState, *, at: datetime) -> "Participant | None":
        """beat_serving or beat_degraded; None where the participant has that state already."""
        verb = heartbeat_verb(self.status, serving=state is HealthState.SERVING)
        return None if verb is None else self._moved(verb, PARTICIPANT, at)

    def miss_heartbeat(self, *, at: datetime) -> "Participant | None":
        """DEGRADED after a missed heartbeat; None for one that is not ACTIVE."""
        if not LIFECYCLE.can(self.status, ParticipantVerb.MISS):
            return None
        return self._moved(ParticipantVerb.MISS, LEASE_WORKER, at, ReasonCode.HEARTBEAT_MISSED)

    def expire_lease(self, *, at: datetime) -> "Participant":
        """FAILED; one that is RETIRING stays so, and its graceful wait ends."""
        reason = ReasonCode.PARTICIPANT_FAILED
        return self._moved(expiry_verb(self.status), LEASE_WORKER, at, reason)

    def leave(self, *, at: datetime) -> "Participant | None":
        """FAILED after a Goodbye; None where there is nothing to leave.

        A RETIRING participant does not leave: its lease runs out, which ends the graceful wait.
        """
        if not LIFECYCLE.can(self.status, ParticipantVerb.LEAVE):
            return None
        return self._moved(ParticipantVerb.LEAVE, PARTICIPANT, at, ReasonCode.PARTICIPANT_LEFT)

    def suspend(self, *, actor: str, at: datetime) -> "Participant":
        """SUSPENDED; one that is RETIRING stays so, and its retirement becomes immediate."""
        reason = ReasonCode.PARTICIPANT_SUSPENDED
        return self._moved(suspension_verb(self.status), actor, at, reason)

    def reinstate(self, *, at: datetime) -> "Participant":
        """REGISTERED again, or ACTIVE for an unleased participant."""
        return self._moved(reinstatement_verb(self.liveness), OPERATOR, at)

    def begin_retirement(self, retirement_id: str, *, at: datetime) -> "Participant":
        """RETIRING. One that is gone keeps the reason: nobody waits for it."""
        gone = self.status in {ParticipantStatus.FAILED, ParticipantStatus.SUSPENDED}
        reason = self.status_reason if gone else ReasonCode.PARTICIPANT_RETIREMENT
        verb = ParticipantVerb.BEGIN_RETIREMENT
        moved = self._moved(verb, ASSIGNMENT, at, ReasonCode(reason))
        return replace(moved, retirement_id=retirement_id)

    def finish_retirement(self, retirement_id: str, *, at: datetime) -> "Participant":
        """RETIRED for ever. Raises `IllegalTransition` also for another retirement than began."""
        retiring = self.status is ParticipantStatus.RETIRING
        if retiring and self.retirement_id != retirement_id:
            raise IllegalTransition(
                kind=LIFECYCLE.kind,
                source=f"retiring under {self.retirement_id}",
                verb=f"finish_retirement of {retirement_id}",
                allowed=[f"finish_retirement of {self.retirement_id}"],
            )
        verb, reason = ParticipantVerb.FINISH_RETIREMENT, ReasonCode.PARTICIPANT_RETIREMENT
        return self._moved(verb, ASSIGNMENT, at, reason)

    def holding(self, credential: str) -> "Participant":
        """The participant that registers with this enrolment; empty where it holds none."""
        return replace(self, credential=credential)

    def count_event(self) -> "Participant":
        """The participant after an event that changes no standing (a health summary)."""
        return replace(self, version=self.version + 1)

    def standing(self, health: Health = UNKNOWN_HEALTH) -> Standing:
        """What assignment has to know, with the ``health`` that the last heartbeats reported."""
        return Standing(
            participant_id=self.id,
            status=self.status,
            standing_revision=self.standing_revision,
            generation=self.generation,
            type=self.declaration.type,
            owner=self.declaration.owner,
            capacity=self.declaration.capacity,
            grants=self.grants,
            liveness=self.liveness,
            trust_policy=self.declaration.effective_trust_policy,
            status_reason=self.status_reason,
            cost=self.declaration.cost,
            load=health.load,
            latency=health.latency,
            suspect=health.suspect,
            credential=self.credential,
        )

    def _moved(
        self, verb: ParticipantVerb, actor: str, at: datetime, reason: ReasonCode = ReasonCode.NONE
    ) -> "Participant":
        return replace(
            self._revised(at),
            status=LIFECYCLE.apply(self.status, verb, actor),
            status_reason=reason.value,
        )

    def _revised(self, at: datetime) -> "Participant":
        return replace(
            self,
            standing_revision=self.standing_revision + 1,
            version=self.version + 1,
            updated_at=at,
        )


def register(
    known: Participant | None,
    declaration: Declaration,
    grants: Grants,
    *,
    actor: str,
    at: datetime,
) -> Participant:
    """A new participant of generation 1, or ``known`` under its next generation (Algorithm 1).

    Raises `IllegalTransition` where the id cannot be registered (again).
    """
    status = registered_status(known, declaration, actor)
    if known is None:
        return Participant(
            declaration=declaration,
            status=status,
            grants=grants,
            generation=1,
            standing_revision=1,
            version=1,
            created_at=at,
            updated_at=at,
        )
    granted = known.change_grants(declaration, grants, at=at)
    return replace(granted, generation=known.generation + 1, status=status, status_reason="")


def registered_status(
    known: Participant | None, declaration: Declaration, actor: str
) -> ParticipantStatus:
    """The state after a registration; raises `IllegalTransition` where there can be none."""
    before = known.status if known is not None else None
    return LIFECYCLE.apply(before, registration_verb(declaration.effective_liveness), actor)


def aggregate_of(participant_id: str) -> str:
    """The name of a participant in the audit."""
    return f"participant/{participant_id}"

"""A participant as the runtime knows it: who it is over all its generations."""

from dataclasses import dataclass, replace
from datetime import datetime

from phoenix_runtime.core.events import ReasonCode
from phoenix_runtime.core.standing import Liveness, ParticipantStatus, Standing
from phoenix_runtime.core.verdict import Grants
from registry_svc.domain.declaration import Declaration
from registry_svc.domain.lifecycle import ASSIGNMENT, LEASED_STATES, LIFECYCLE
from registry_svc.domain.vitals import UNSEEN, Vitals


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

    @property
    def id(self) -> str:
        """The stable identity."""
        return self.declaration.id

    @property
    def aggregate(self) -> str:
        """Its name in the audit."""
        return aggregate_of(self.id)

    @property
    def liveness(self) -> Liveness:
        """Whether it has to beat."""
        return self.declaration.effective_liveness

    @property
    def etag(self) -> str:
        """Changes with every change of the participant."""
        return f"{self.generation}.{self.standing_revision}"

    @property
    def lease_is_lost(self) -> bool:
        """True for one that is RETIRING and not here any more: nobody waits for it."""
        here = self.status_reason == ReasonCode.PARTICIPANT_RETIREMENT
        return self.status is ParticipantStatus.RETIRING and not here

    @property
    def holds_lease(self) -> bool:
        """Whether its beats are waited for."""
        leased = self.liveness is Liveness.LEASED and self.status in LEASED_STATES
        return leased and not self.lease_is_lost

    def moved(
        self, verb: str, actor: str, *, at: datetime, reason: ReasonCode = ReasonCode.NONE
    ) -> "Participant":
        """This participant after ``verb``; raises `IllegalTransition`."""
        return replace(
            self._stepped(at),
            status=LIFECYCLE.apply(self.status, verb, actor),
            status_reason=reason.value,
        )

    def registered(
        self, declaration: Declaration, grants: Grants, *, verb: str, actor: str, at: datetime
    ) -> "Participant":
        """The same identity under its next generation, with the claims and grants of today."""
        return replace(
            self._stepped(at),
            declaration=declaration,
            grants=grants,
            generation=self.generation + 1,
            status=LIFECYCLE.apply(self.status, verb, actor),
            status_reason="",
        )

    def granted(self, declaration: Declaration, grants: Grants, *, at: datetime) -> "Participant":
        """The same participant with other claims and what was granted of them."""
        return replace(self._stepped(at), declaration=declaration, grants=grants)

    def retiring(self, retirement_id: str, *, at: datetime) -> "Participant":
        """After begin_retirement. One that is gone keeps why: nobody waits for it."""
        gone = self.status in {ParticipantStatus.FAILED, ParticipantStatus.SUSPENDED}
        why = self.status_reason if gone else ReasonCode.PARTICIPANT_RETIREMENT
        moved = self.moved("begin_retirement", ASSIGNMENT, at=at, reason=ReasonCode(why))
        return replace(moved, retirement_id=retirement_id)

    def noted(self) -> "Participant":
        """After an event that tells of it without changing its standing (a health summary)."""
        return replace(self, version=self.version + 1)

    def standing(self, vitals: Vitals = UNSEEN) -> Standing:
        """What assignment has to know, with what the last beats said."""
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
            load=vitals.load,
            latency=vitals.latency,
            suspect=vitals.suspect,
        )

    def _stepped(self, at: datetime) -> "Participant":
        return replace(
            self,
            standing_revision=self.standing_revision + 1,
            version=self.version + 1,
            updated_at=at,
        )


def aggregate_of(participant_id: str) -> str:
    """The name of a participant in the audit."""
    return f"participant/{participant_id}"


def newcomer(
    declaration: Declaration, grants: Grants, *, verb: str, actor: str, at: datetime
) -> Participant:
    """A participant that was never here before, under generation 1."""
    return Participant(
        declaration=declaration,
        status=LIFECYCLE.apply(None, verb, actor),
        grants=grants,
        generation=1,
        standing_revision=1,
        version=1,
        created_at=at,
        updated_at=at,
    )

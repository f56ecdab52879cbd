"""The lifecycle of a participant as data: a state changes only through a verb."""

from enum import StrEnum
from typing import Final

from phoenix_runtime.core.lifecycle import Lifecycle, transition
from phoenix_runtime.core.standing import Liveness, ParticipantStatus

REGISTERED: Final = ParticipantStatus.REGISTERED
ACTIVE: Final = ParticipantStatus.ACTIVE
DEGRADED: Final = ParticipantStatus.DEGRADED
FAILED: Final = ParticipantStatus.FAILED
SUSPENDED: Final = ParticipantStatus.SUSPENDED
RETIRING: Final = ParticipantStatus.RETIRING
RETIRED: Final = ParticipantStatus.RETIRED

PARTICIPANT: Final = "participant"
OPERATOR: Final = "operator"
GOVERNANCE: Final = "governance"
LEASE_WORKER: Final = "lease_worker"
ASSIGNMENT: Final = "assignment"


class ParticipantVerb(StrEnum):
    """What can happen to a participant."""

    REGISTER = "register"
    REGISTER_UNLEASED = "register_unleased"
    BEAT_SERVING = "beat_serving"
    BEAT_DEGRADED = "beat_degraded"
    MISS = "miss"
    EXPIRE_LEASE = "expire_lease"
    LOSE_WHILE_RETIRING = "lose_while_retiring"
    LEAVE = "leave"
    SUSPEND = "suspend"
    SUSPEND_WHILE_RETIRING = "suspend_while_retiring"
    REINSTATE = "reinstate"
    REINSTATE_UNLEASED = "reinstate_unleased"
    BEGIN_RETIREMENT = "begin_retirement"
    FINISH_RETIREMENT = "finish_retirement"


Verb = ParticipantVerb

REGISTRABLE: Final = frozenset({None, REGISTERED, ACTIVE, DEGRADED, FAILED})
PRESENT: Final = frozenset({REGISTERED, ACTIVE, DEGRADED})
"""States in which a participant takes part, and a lease keeps it there."""
LEASED_STATES: Final = PRESENT | {RETIRING}
UNCHANGEABLE: Final = frozenset({SUSPENDED, RETIRING, RETIRED})
"""States in which the claims cannot be replaced."""
GONE: Final = frozenset({FAILED, SUSPENDED, RETIRED})
"""States that no heartbeat leaves: the participant registers again, is reinstated, or stays out."""

LIFECYCLE: Final[Lifecycle[ParticipantStatus, ParticipantVerb]] = Lifecycle(
    "participant",
    [
        transition(Verb.REGISTER, REGISTRABLE, REGISTERED, [PARTICIPANT, OPERATOR]),
        transition(Verb.REGISTER_UNLEASED, REGISTRABLE, ACTIVE, [PARTICIPANT, OPERATOR]),
        transition(Verb.BEAT_SERVING, [REGISTERED, DEGRADED], ACTIVE, [PARTICIPANT]),
        transition(Verb.BEAT_DEGRADED, [REGISTERED, ACTIVE], DEGRADED, [PARTICIPANT]),
        transition(Verb.MISS, [ACTIVE], DEGRADED, [LEASE_WORKER]),
        transition(Verb.EXPIRE_LEASE, PRESENT, FAILED, [LEASE_WORKER]),
        transition(Verb.LOSE_WHILE_RETIRING, [RETIRING], None, [LEASE_WORKER]),
        transition(Verb.LEAVE, PRESENT, FAILED, [PARTICIPANT]),
        transition(Verb.SUSPEND, PRESENT | {FAILED}, SUSPENDED, [OPERATOR, GOVERNANCE]),
        transition(Verb.SUSPEND_WHILE_RETIRING, [RETIRING], None, [OPERATOR, GOVERNANCE]),
        transition(Verb.REINSTATE, [SUSPENDED], REGISTERED, [OPERATOR]),
        transition(Verb.REINSTATE_UNLEASED, [SUSPENDED], ACTIVE, [OPERATOR]),
        transition(Verb.BEGIN_RETIREMENT, PRESENT | {FAILED, SUSPENDED}, RETIRING, [ASSIGNMENT]),
        transition(Verb.FINISH_RETIREMENT, [RETIRING], RETIRED, [ASSIGNMENT]),
    ],
    ends=[RETIRED],
)
"""A RETIRING participant stays so: ``lose_while_retiring`` (expire_lease) ends its graceful wait,
``suspend_while_retiring`` makes its retirement immediate."""


def registration_verb(liveness: Liveness) -> ParticipantVerb:
    """The verb that registers: an unleased participant is ACTIVE without a heartbeat."""
    return Verb.REGISTER if liveness is Liveness.LEASED else Verb.REGISTER_UNLEASED


def reinstatement_verb(liveness: Liveness) -> ParticipantVerb:
    """The verb that lifts a suspension: an unleased participant is ACTIVE without a heartbeat."""
    return Verb.REINSTATE if liveness is Liveness.LEASED else Verb.REINSTATE_UNLEASED


def heartbeat_verb(status: ParticipantStatus, *, serving: bool) -> ParticipantVerb | None:
    """The verb that a heartbeat asks for in ``status``; None where it changes nothing."""
    verb = Verb.BEAT_SERVING if serving else Verb.BEAT_DEGRADED
    return verb if LIFECYCLE.can(status, verb) else None


def expiry_verb(status: ParticipantStatus) -> ParticipantVerb:
    """The verb by which a participant in ``status`` loses its lease."""
    return Verb.LOSE_WHILE_RETIRING if status is RETIRING else Verb.EXPIRE_LEASE


def suspension_verb(status: ParticipantStatus) -> ParticipantVerb:
    """The verb that suspends a participant in ``status``."""
    return Verb.SUSPEND_WHILE_RETIRING if status is RETIRING else Verb.SUSPEND

"""The lifecycle of a participant as data: a state changes only through a verb."""

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

COMERS: Final = frozenset({None, REGISTERED, ACTIVE, DEGRADED, FAILED})
LIVING: Final = frozenset({REGISTERED, ACTIVE, DEGRADED})
"""States in which a participant is here and a lease keeps it here."""
LEASED_STATES: Final = LIVING | {RETIRING}

LIFECYCLE: Final[Lifecycle[ParticipantStatus, str]] = Lifecycle(
    "participant",
    [
        transition("register", COMERS, REGISTERED, [PARTICIPANT, OPERATOR]),
        transition("register_unleased", COMERS, ACTIVE, [PARTICIPANT, OPERATOR]),
        transition("beat_serving", [REGISTERED, DEGRADED], ACTIVE, [PARTICIPANT]),
        transition("beat_degraded", [REGISTERED, ACTIVE], DEGRADED, [PARTICIPANT]),
        transition("miss", [ACTIVE], DEGRADED, [LEASE_WORKER]),
        transition("expire_lease", LIVING, FAILED, [LEASE_WORKER]),
        transition("lose_while_retiring", [RETIRING], None, [LEASE_WORKER]),
        transition("leave", LIVING, FAILED, [PARTICIPANT]),
        transition("suspend", LIVING | {FAILED}, SUSPENDED, [OPERATOR, GOVERNANCE]),
        transition("suspend_while_retiring", [RETIRING], None, [OPERATOR, GOVERNANCE]),
        transition("reinstate", [SUSPENDED], REGISTERED, [OPERATOR]),
        transition("reinstate_unleased", [SUSPENDED], ACTIVE, [OPERATOR]),
        transition("begin_retirement", LIVING | {FAILED, SUSPENDED}, RETIRING, [ASSIGNMENT]),
        transition("finish_retirement", [RETIRING], RETIRED, [ASSIGNMENT]),
    ],
    ends=[RETIRED],
)
"""One that is RETIRING stays so: ``lose_while_retiring`` (expire_lease) ends its graceful wait,
``suspend_while_retiring`` makes its retirement immediate."""


def arriving(verb: str, liveness: Liveness) -> str:
    """``register`` or ``reinstate`` for this liveness: nobody waits for the beat of an unleased."""
    return verb if liveness is Liveness.LEASED else f"{verb}_unleased"


def losing(status: ParticipantStatus) -> str:
    """The verb by which a participant in ``status`` loses its lease."""
    return "lose_while_retiring" if status is RETIRING else "expire_lease"


def suspending(status: ParticipantStatus) -> str:
    """The verb that suspends a participant in ``status``."""
    return "suspend_while_retiring" if status is RETIRING else "suspend"

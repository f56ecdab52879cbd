"""The ports that every use case of assignment is given."""

from dataclasses import dataclass, field

from assignment_svc.domain.ports import ApprovalService, Registry, Units
from assignment_svc.domain.rules import Rules
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.ids import NewId
from phoenix_runtime.core.ports import AccessLog, Policy
from phoenix_runtime.core.wakeup import WakeUp


@dataclass(frozen=True, slots=True)
class Ports:
    """Store, peers, clock and settings: what a use case reaches the outside with."""

    units: Units
    registry: Registry
    policy: Policy
    approvals: ApprovalService
    access: AccessLog
    due_work: WakeUp
    """Wakes every loop that looks for due rows."""
    new_tasks: WakeUp
    """Wakes the loop of tasks alone: a task was submitted."""
    clock: Clock
    new_id: NewId
    rules: Rules = field(default_factory=Rules)

"""The ports that every use case of assignment is given."""

from dataclasses import dataclass, field

from assignment_svc.domain.ports import ApprovalService, Registry, TaskPolicy, Units
from assignment_svc.domain.rules import Rules
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.ids import NewId
from phoenix_runtime.core.ports import AccessLog


@dataclass(frozen=True, slots=True)
class Ports:
    """Store, peers, clock and settings: what a use case reaches the outside with."""

    units: Units
    registry: Registry
    policy: TaskPolicy
    approvals: ApprovalService
    access: AccessLog
    clock: Clock
    new_id: NewId
    rules: Rules = field(default_factory=Rules)

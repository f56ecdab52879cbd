"""What every use case of assignment is given."""

from dataclasses import dataclass, field

from assignment_svc.domain.ports import Approvals, Registry, Units
from assignment_svc.domain.rules import Rules
from phoenix_runtime.core.bell import Bell
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.ids import NewId
from phoenix_runtime.core.ports import AccessLog, Policy


@dataclass(frozen=True, slots=True)
class Ports:
    """The windows and the cellar; nothing else reaches a use case from outside."""

    units: Units
    registry: Registry
    policy: Policy
    approvals: Approvals
    access: AccessLog
    bell: Bell
    clock: Clock
    new_id: NewId
    rules: Rules = field(default_factory=Rules)

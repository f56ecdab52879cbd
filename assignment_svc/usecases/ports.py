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
    """Whatever is due may be looked for now."""
    task_bell: Bell
    """A task came in: that is nothing for the loops that do not tend tasks."""
    clock: Clock
    new_id: NewId
    rules: Rules = field(default_factory=Rules)

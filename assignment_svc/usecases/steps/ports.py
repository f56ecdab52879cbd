"""What every use case of assignment is given."""

from dataclasses import dataclass, field

from assignment_svc.domain.ports import Approvals, Registry, Units
from assignment_svc.domain.rules import Rules
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.ids import NewId
from phoenix_runtime.core.ports import AccessLog, Policy
from phoenix_runtime.core.wakeup import WakeUp


@dataclass(frozen=True, slots=True)
class Ports:
    """The windows and the cellar; nothing else reaches a use case from outside."""

    units: Units
    registry: Registry
    policy: Policy
    approvals: Approvals
    access: AccessLog
    wake_up: WakeUp
    """Whatever is due may be looked for now."""
    wake_tasks: WakeUp
    """A task came in: that is nothing for the loops that do not tend tasks."""
    clock: Clock
    new_id: NewId
    rules: Rules = field(default_factory=Rules)

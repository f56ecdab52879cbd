"""The answer of most verbs of a handoff."""

from dataclasses import dataclass

from assignment_svc.domain.handoff import Handoff
from phoenix_runtime.core.receipt import Receipt


@dataclass(frozen=True, slots=True)
class HandoffResult:
    """A handoff after a step, and the receipt of the step."""

    handoff: Handoff
    receipt: Receipt

"""The one definition of recovery and audit completeness (guarantees, I2 to I9, I16, I17, Table 5).

Pure: tests, the evaluation and ``phoenix-dma audit verify`` share it.
"""

from phoenix_runtime.core.validate.audit import audit_findings
from phoenix_runtime.core.validate.effects import effect_findings
from phoenix_runtime.core.validate.evidence import (
    Evidence,
    Finding,
    ObservedApproval,
    ObservedBinding,
    ObservedEffect,
    ObservedGate,
    ObservedHandoff,
    ObservedParticipant,
    ObservedPointer,
    ObservedRetirement,
    ObservedTask,
)
from phoenix_runtime.core.validate.losses import loss_findings
from phoenix_runtime.core.validate.membership import membership_findings
from phoenix_runtime.core.validate.obligations import obligation_findings
from phoenix_runtime.core.validate.ownership import ownership_findings

__all__ = [
    "Evidence",
    "Finding",
    "ObservedApproval",
    "ObservedBinding",
    "ObservedEffect",
    "ObservedGate",
    "ObservedHandoff",
    "ObservedParticipant",
    "ObservedPointer",
    "ObservedRetirement",
    "ObservedTask",
    "validate",
]


def validate(evidence: Evidence) -> tuple[Finding, ...]:
    """Everything that does not hold; empty where all of it does."""
    return (
        *audit_findings(evidence),
        *ownership_findings(evidence),
        *loss_findings(evidence),
        *obligation_findings(evidence),
        *effect_findings(evidence),
        *membership_findings(evidence),
    )

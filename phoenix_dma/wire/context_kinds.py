"""The fields that a context may have (paper, section 10)."""

from __future__ import annotations

from typing import Final

CONTEXT_KINDS: Final = frozenset(
    {
        "objective",
        "messages",
        "inputs",
        "outputs",
        "tool_calls",
        "tool_outputs",
        "artifacts",
        "data_references",
        "memory_references",
        "reasoning_summaries",
        "decisions",
        "approvals",
        "obligations",
        "constraints",
        "metadata",
        "framework_state",
    }
)
"""Its top-level names; state_svc refuses any other."""

"""Decisions that meet obligations, as they stand in a task's context."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from phoenix_dma.briefing import Obligation
from phoenix_dma.wire.json_values import json_value


def decision_entry(
    obligations: Iterable[Obligation], obligation_id: str, decision: Any
) -> dict[str, Any]:
    """The entry of a context's ``decisions`` that meets an obligation; ``decision`` says it.

    Raises ValueError where no decision meets it, or none was made, and `NotJson`.
    """
    owed = {one.id: one for one in obligations}
    if obligation_id not in owed:
        has = f"it has {', '.join(sorted(owed))}" if owed else "it has none"
        raise ValueError(f"{obligation_id} is no obligation of this task; {has}")
    obligation = owed[obligation_id]
    if obligation.due == "always":
        raise ValueError(f"{obligation_id} is due always: it holds until the task ends")
    if obligation.met_by == "approval":
        raise ValueError(
            f"{obligation_id} is met once a human has approved {obligation.action} and the "
            "approval was used, not by a decision"
        )
    made = json_value(decision, "decision")
    if made is None or made in ([], {}) or not str(made).strip():
        raise ValueError(f"{obligation_id} is met by a decision: say what was decided")
    return {"obligation": obligation_id, "decision": made}

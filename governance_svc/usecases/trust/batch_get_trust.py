"""BatchGetTrust: the trust in many participants, by which discovery orders everybody."""

from collections.abc import Sequence
from typing import Final

from governance_svc.usecases.trust.assess_trust import Assessment, AssessTrust
from phoenix_runtime.core.errors import FieldInvalid, Violation
from phoenix_runtime.core.principal import Call

MOST: Final = 500
"""Participants that one request names."""


class BatchGetTrust:
    """Computes trust from the audit, many at once, as policy would be told of it now."""

    def __init__(self, trust: AssessTrust) -> None:
        self._trust = trust

    async def __call__(self, call: Call, participant_ids: Sequence[str]) -> tuple[Assessment, ...]:
        """One assessment an id, in order; raises `FieldInvalid` for too many."""
        if len(participant_ids) > MOST:
            raise FieldInvalid([Violation("participant_ids", f"names more than {MOST}")])
        return await self._trust.in_numbers(call, participant_ids)

"""What searches that run at the same time do together: read rows, ask policy, write events.

All of it begins after it was asked for: nobody is answered from what was read or decided before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from phoenix_runtime.core.events import AuditDraft
from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.principal import Call, Principal
from phoenix_runtime.core.receipt import Receipt
from phoenix_runtime.core.verdict import DecisionPoint, Verdict
from phoenix_runtime.core.waiting.together import Together
from registry_svc.domain.discovery import BATCH, Requirement
from registry_svc.domain.documents import participant_document
from registry_svc.domain.participant import Participant
from registry_svc.usecases.context import RegistryContext, chunks

SEARCHES: Final = 16
"""Searches that are served together at most."""

Key: TypeAlias = tuple[str, int, Requirement]


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose question it is, as policy is told: equal callers, equal answers."""

    principal: Principal
    service: str
    metadata: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Questions:
    """One search's questions to policy: these participants, for this requirement."""

    call: Call
    requirement: Requirement
    participants: Sequence[Participant]

    def about(self) -> list[Key]:
        """What each question is about: a version of a participant, and the requirement."""
        return [(one.id, one.version, self.requirement) for one in self.participants]


class SharedWork:
    """Serves the searches of one tenant, or of one caller, in rounds."""

    def __init__(self, context: RegistryContext) -> None:
        self._context = context
        self._rows = Together(self._read, most=SEARCHES)
        self._verdicts = Together(self._judge, most=SEARCHES)
        self._events = Together(self._write, most=SEARCHES)

    async def read(self, call: Call, ids: Sequence[str]) -> Sequence[Participant]:
        """The committed participants of some ids."""
        return await self._rows(call.tenant, ids)

    async def judge(self, questions: Questions) -> Sequence[Verdict]:
        """One verdict a participant. Raises `PolicyEngineUnavailable`.

        Where a caller searches for the same several times at once, policy is asked once.
        """
        call = questions.call
        caller = Caller(call.principal, call.service, call.metadata)
        return await self._verdicts(caller, questions)

    async def audit(self, call: Call, draft: AuditDraft) -> Receipt:
        """Write an event, and return when it is committed."""
        return await self._events(call.tenant, (call, draft))

    async def _read(
        self, tenant: str, asked: Sequence[Sequence[str]]
    ) -> Sequence[Sequence[Participant]]:
        ids = sorted(set().union(*asked))
        async with self._context.units.reading(self._context.own_call(tenant)) as unit:
            found = {one.id: one for one in await unit.find_participants(ids)}
        return [[found[name] for name in names if name in found] for names in asked]

    async def _judge(
        self, caller: Caller, asked: Sequence[Questions]
    ) -> Sequence[Sequence[Verdict]]:
        inputs: dict[Key, JsonObject] = {}
        for one in asked:
            for key, participant in zip(one.about(), one.participants, strict=True):
                if key not in inputs:
                    inputs[key] = _input(participant, one.requirement)
        verdicts: list[Verdict] = []
        for some in chunks(inputs.values(), BATCH):
            evaluate = self._context.policy.evaluate
            verdicts += await evaluate(asked[0].call, DecisionPoint.DISCOVER, some)
        by_key = dict(zip(inputs, verdicts, strict=True))
        return [[by_key[key] for key in one.about()] for one in asked]

    async def _write(
        self, tenant: str, events: Sequence[tuple[Call, AuditDraft]]
    ) -> Sequence[Receipt]:
        async with self._context.units(self._context.own_call(tenant)) as unit:
            return [await unit.audit_for(call, draft) for call, draft in events]


def _input(participant: Participant, requirement: Requirement) -> JsonObject:
    """The input for policy, to which governance adds what it knows of caller and candidate."""
    return {"candidate": participant_document(participant), "requirement": requirement.document()}

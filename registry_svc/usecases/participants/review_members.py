"""ReviewMembers: asks participant.remain again when policy, trust or a certification changed."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import DecisionPoint, Effect, Grants, Verdict
from registry_svc.domain import participant_events
from registry_svc.domain.declaration import claims_document
from registry_svc.domain.discovery import BATCH
from registry_svc.domain.documents import participant_document
from registry_svc.domain.lifecycle import GOVERNANCE, PRESENT
from registry_svc.domain.participant import Participant
from registry_svc.domain.ports import ParticipantFilter, Unit
from registry_svc.domain.session import LeaseKey, LeaseLostReason
from registry_svc.usecases.context import RegistryContext

NO_DECISION: Final = frozenset({"default_deny", "undefined", "input", "engine"})
"""Rules by which the engine reports that no rule of the bundle decided. A suspension needs a
decision: otherwise a bundle without this decision point would suspend everybody."""
EVERYBODY_PRESENT: Final = ParticipantFilter(statuses=PRESENT)


class ReviewMembers:
    """Suspends whom policy denies, and replaces grants by what policy grants today."""

    def __init__(self, context: RegistryContext) -> None:
        self._context = context

    async def __call__(self, tenant: str, participant_id: str = "") -> None:
        """Review one participant, or everybody present in ``tenant``.

        Raises `PolicyEngineUnavailable`, having changed nobody who was not judged.
        """
        call = self._context.own_call(tenant)
        async for batch in self._batches(call, participant_id):
            point = DecisionPoint.REMAIN
            questions = [_question(one) for one in batch]
            verdicts = await self._context.policy.evaluate(call, point, questions)
            for participant, verdict in zip(batch, verdicts, strict=True):
                await self._apply(call, participant, verdict)

    async def _batches(
        self, call: Call, participant_id: str
    ) -> AsyncIterator[Sequence[Participant]]:
        if participant_id:
            found = await self._context.find(call, participant_id)
            if found is not None and found.status in PRESENT:
                yield (found,)
            return
        after = ""
        while batch := await self._page(call, after):
            yield batch
            after = batch[-1].id

    async def _page(self, call: Call, after: str) -> tuple[Participant, ...]:
        async with self._context.units.reading(call) as unit:
            return await unit.list_participants(EVERYBODY_PRESENT, after=after, limit=BATCH)

    async def _apply(self, call: Call, judged: Participant, verdict: Verdict) -> None:
        if verdict.effect is Effect.DENY and _decided(verdict):
            await self._suspend(call, judged, verdict)
        elif verdict.allowed and _differ(verdict.grants, judged.grants):
            await self._replace_grants(call, judged, verdict)

    async def _suspend(self, call: Call, judged: Participant, verdict: Verdict) -> None:
        async with self._context.units(call) as unit:
            before = await _as_judged(unit, judged)
            if before is None:
                return
            after = before.suspend(actor=GOVERNANCE, at=self._context.clock.now())
            await unit.audit(participant_events.suspended_by_policy(before, after, verdict))
            await unit.save_participants([after])
        lease = LeaseKey(call.tenant, judged.id, judged.generation)
        reason = LeaseLostReason.SUSPENDED
        self._context.sessions.end_session(lease, reason, "Policy suspended it.")

    async def _replace_grants(self, call: Call, judged: Participant, verdict: Verdict) -> None:
        async with self._context.units(call) as unit:
            before = await _as_judged(unit, judged)
            if before is None:
                return
            grants, now = verdict.grants or Grants(), self._context.clock.now()
            after = before.change_grants(before.declaration, grants, at=now)
            await unit.audit(participant_events.capabilities_updated(before, after, verdict))
            await unit.save_claims(after)


def _question(participant: Participant) -> JsonObject:
    """The claims, which are judged anew, beside the grants."""
    document = participant_document(participant)
    return {"participant": {**document, "claims": claims_document(participant.declaration)}}


def _decided(verdict: Verdict) -> bool:
    return any(reason.rule not in NO_DECISION for reason in verdict.reasons)


def _differ(new: Grants | None, old: Grants) -> bool:
    """Whether policy grants something else; a verdict without grants changes nothing."""
    return new is not None and (new.capabilities, new.data_domains, new.permissions) != (
        old.capabilities,
        old.data_domains,
        old.permissions,
    )


async def _as_judged(unit: Unit, judged: Participant) -> Participant | None:
    """The row, if it is still what policy judged; a later change was judged by itself."""
    row = (await unit.lock_participants([judged.id])).get(judged.id)
    if row is None or row.status not in PRESENT:
        return None
    same = (row.generation, row.declaration) == (judged.generation, judged.declaration)
    return row if same else None

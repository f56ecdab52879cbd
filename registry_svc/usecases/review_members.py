"""participant.remain: who is here is judged again when policy, trust or a certification changed."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from phoenix_runtime.core.events import AuditDraft, AuditEventType, ReasonCode, denial_document
from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import DecisionPoint, Effect, Grants, Verdict
from registry_svc.domain.declaration import claims_document
from registry_svc.domain.discovery import BATCH
from registry_svc.domain.documents import participant_document
from registry_svc.domain.lifecycle import GOVERNANCE, LIVING
from registry_svc.domain.participant import Participant
from registry_svc.domain.ports import ParticipantFilter, RegistryUnit
from registry_svc.domain.presence import LeaseKey, Loss
from registry_svc.usecases.parts import Parts
from registry_svc.usecases.update_capabilities import updated_draft

NO_DECISION: Final = frozenset({"default_deny", "undefined", "input", "engine"})
"""Rules by which the engine says that no rule spoke. Suspending is an act of its own: without a
decision it is not done, or one bundle without this point would suspend everybody."""
HERE: Final = ParticipantFilter(statuses=LIVING)


class ReviewMembers:
    """A denial suspends; grants are changed to what policy grants of the same claims today."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def __call__(self, tenant: str, participant_id: str = "") -> None:
        """Review one participant, or everybody of ``tenant`` who is here.

        Raises `PolicyEngineUnavailable`, having changed nobody who was not judged.
        """
        call = self._parts.own_call(tenant)
        async for batch in self._batches(tenant, participant_id):
            point = DecisionPoint.REMAIN
            questions = [_question(one) for one in batch]
            verdicts = await self._parts.policy.evaluate(call, point, questions)
            for participant, verdict in zip(batch, verdicts, strict=True):
                await self._follow(call, participant, verdict)

    async def _batches(
        self, tenant: str, participant_id: str
    ) -> AsyncIterator[Sequence[Participant]]:
        registry = self._parts.registry
        if participant_id:
            found = await registry.many(tenant, [participant_id])
            here = [one for one in found if one.status in LIVING]
            if here:
                yield here
            return
        after = ""
        while batch := await registry.page(tenant, HERE, after=after, limit=BATCH):
            yield batch
            after = batch[-1].id

    async def _follow(self, call: Call, judged: Participant, verdict: Verdict) -> None:
        if verdict.effect is Effect.DENY and _decided(verdict):
            await self._suspend(call, judged, verdict)
        elif verdict.allowed and _differ(verdict.grants, judged.grants):
            await self._grant(call, judged, verdict)

    async def _suspend(self, call: Call, judged: Participant, verdict: Verdict) -> None:
        async with self._parts.units(call) as unit:
            before = await _as_judged(unit, judged)
            if before is None:
                return
            reason = ReasonCode.PARTICIPANT_SUSPENDED
            at = self._parts.clock.now()
            after = before.moved("suspend", GOVERNANCE, at=at, reason=reason)
            await unit.audit(_suspended(before, after, verdict))
            await unit.save([after])
        lease = LeaseKey(call.tenant, judged.id, judged.generation)
        self._parts.attendance.drop(lease, Loss.SUSPENDED, "Policy suspended it.")

    async def _grant(self, call: Call, judged: Participant, verdict: Verdict) -> None:
        async with self._parts.units(call) as unit:
            before = await _as_judged(unit, judged)
            if before is None:
                return
            after = before.granted(
                before.declaration, verdict.grants or Grants(), at=self._parts.clock.now()
            )
            await unit.audit(updated_draft(before, after, verdict))
            await unit.rewrite(after)


def _question(participant: Participant) -> JsonObject:
    """Claims beside the grants: these are judged anew."""
    document = participant_document(participant)
    return {"participant": {**document, "claims": claims_document(participant.declaration)}}


def _decided(verdict: Verdict) -> bool:
    return any(reason.rule not in NO_DECISION for reason in verdict.reasons)


def _differ(new: Grants | None, old: Grants) -> bool:
    """Whether policy grants something else; where it says nothing of grants, nothing changes."""
    return new is not None and (new.capabilities, new.data_domains, new.permissions) != (
        old.capabilities,
        old.data_domains,
        old.permissions,
    )


async def _as_judged(unit: RegistryUnit, judged: Participant) -> Participant | None:
    """The row, if it is still what policy judged; a later change was judged by itself."""
    row = (await unit.lock([judged.id])).get(judged.id)
    if row is None or row.status not in LIVING:
        return None
    same = (row.generation, row.declaration) == (judged.generation, judged.declaration)
    return row if same else None


def _suspended(before: Participant, after: Participant, verdict: Verdict) -> AuditDraft:
    return AuditDraft(
        type=AuditEventType.PARTICIPANT_SUSPENDED,
        aggregate=after.aggregate,
        aggregate_version=after.version,
        participant=after.id,
        reason_code=ReasonCode.PARTICIPANT_SUSPENDED,
        previous_state=before.status.value,
        new_state=after.status.value,
        verdict=verdict,
        detail={
            "by": "governance",
            "why": verdict.explanation,
            "generation": after.generation,
            "standing_revision": after.standing_revision,
            **denial_document(verdict),
        },
    )

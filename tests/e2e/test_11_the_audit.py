"""The ledger is whole, chained, filtered, and says what the paper's Table 5 asks for."""

from __future__ import annotations

from typing import Any

from phoenix_dma.v1 import audit_pb2, governance_pb2, registry_pb2
from phoenix_dma.wire.conversions import json_of
from phoenix_runtime.core.documents import event_document
from phoenix_runtime.core.events import AuditEvent, leaf
from tests.e2e.scenarios.intervals import PATIENCE
from tests.e2e.scenarios.participant import Participant
from tests.e2e.scenarios.scenario import BACKUP, STEWARD, TASK, Scenario
from tests.support.waiting.until import until


async def whole_life(scenario: Scenario) -> Participant:
    """A task that is submitted, assigned, checkpointed, handed over and done; one who retires."""
    steward = await scenario.participant(STEWARD)
    operator = await scenario.operator()
    await operator.discover(
        registry_pb2.DiscoverParticipantsRequest(required_capabilities=["duplicate_detection"])
    )
    await scenario.submit()
    epoch = (await steward.take(TASK)).task.epoch
    await steward.authorize(TASK, epoch, "data_read", "read_pairs", domain="customer_master")
    await steward.checkpoint(TASK, epoch, 0, {"outputs": {"checked": [1]}})
    backup = await scenario.participant(BACKUP)
    await operator.hand_off(TASK)
    taken = await backup.take_over(TASK)
    await backup.complete(TASK, taken.briefing.task.epoch, {"merged": 1})
    await operator.retire(STEWARD)
    await scenario.event("PARTICIPANT_RETIRED")
    return steward


async def in_ledger(scenario: Scenario) -> list[audit_pb2.AuditEvent]:
    """Every event of the tenant, once the ledger has all that the outboxes had."""
    operator = await scenario.operator()

    async def look() -> list[audit_pb2.AuditEvent] | None:
        written = {event.event_id for event in await scenario.events()}
        found = await operator.audit(audit_pb2.ListAuditEventsRequest(), limit=None)
        return found if {event.event_id for event in found} >= written else None

    return await until(look, PATIENCE)


async def test_the_ledger_has_every_event_once_in_one_chain_without_a_gap(
    scenario: Scenario,
) -> None:
    await whole_life(scenario)
    found = await in_ledger(scenario)
    sequences = [event.sequence for event in found]
    assert sequences == list(range(1, len(found) + 1))
    assert len({event.event_id for event in found}) == len(found)
    assert all(event.chain_hash and event.leaf_hash and event.salt for event in found)
    assert all(event.actor and event.correlation_id for event in found)
    for event in await scenario.events():
        assert leaf(event_document(event)) == event.leaf_hash


TABLE_5: dict[str, tuple[str, ...]] = {
    # The paper's row: its details, as our events call them.
    "PARTICIPANT_REGISTERED": ("identity", "owner", "capabilities", "policy_decision"),
    "DISCOVERY_COMPLETED": ("request", "candidates"),
    "ASSIGNMENT_CREATED": ("task", "participant", "score", "alternatives", "policy_decision"),
    "CONTEXT_CHECKPOINTED": ("participant", "task", "state_reference", "integrity_hash"),
    "HANDOFF_INITIATED": ("source", "reason", "context_reference"),
    "HANDOFF_OFFERED": ("target", "policy_decision"),
    "HANDOFF_COMPLETED": ("source", "target", "reason", "received_hash", "policy_decision"),
    "PARTICIPANT_RETIRED": ("mode", "active_tasks", "handoff_outcomes"),
}


async def test_every_row_of_table_5_has_its_details(scenario: Scenario) -> None:
    await whole_life(scenario)
    for kind, wanted in TABLE_5.items():
        found = await scenario.events(kind)
        assert found, kind
        for event in found:
            missing = [name for name in wanted if not _said(event, name)]
            assert not missing, (kind, missing)


def _said(event: AuditEvent, name: str) -> bool:
    """Whether the event says it, in a field of its own or in its detail."""
    return bool(getattr(event, name, None)) or name in event.detail


async def test_the_papers_filters_find_what_they_name(scenario: Scenario) -> None:
    await whole_life(scenario)
    every = await in_ledger(scenario)
    operator = await scenario.operator()
    moved = next(event for event in every if event.type == "HANDOFF_COMPLETED")
    decision = json_of(moved.policy_decision)["decision_id"]

    async def found(**wanted: Any) -> set[str]:
        request = audit_pb2.ListAuditEventsRequest(**wanted)
        return {event.event_id for event in await operator.audit(request, limit=None)}

    def expected(**said: str) -> set[str]:
        return {
            event.event_id
            for event in every
            if all(getattr(event, name) == value for name, value in said.items())
        }

    assert await found(task=TASK) >= expected(task=TASK)
    assert await found(participant=BACKUP) >= expected(participant=BACKUP)
    assert await found(type=["TASK_SUBMITTED"]) == expected(type="TASK_SUBMITTED")
    assert await found(handoff=moved.handoff) == expected(handoff=moved.handoff)
    assert await found(correlation_id=moved.correlation_id) == expected(
        correlation_id=moved.correlation_id
    )
    assert moved.event_id in await found(policy_decision=decision)
    assert await found(task="task.nobody-knows") == set()


async def test_a_decision_is_found_with_everything_that_rests_on_it(scenario: Scenario) -> None:
    await whole_life(scenario)
    bound = await scenario.event("ASSIGNMENT_CREATED")
    decision = str(bound.policy_decision["decision_id"])
    await in_ledger(scenario)
    operator = await scenario.operator()

    request = governance_pb2.GetPolicyDecisionRequest(decision_id=decision)
    answer = await operator.ask(operator.stubs.governance.GetPolicyDecision, request)

    assert bound.event_id in answer.audit_event_ids
    assert answer.verdict.point == "task.assign"
    assert answer.verdict.policy_revision == bound.policy_decision["policy_revision"]

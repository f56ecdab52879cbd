"""REST suffices: agents without gRPC work, die, take over, resume, decline and leave."""

from __future__ import annotations

from tests.e2e.scenarios.rest_agent import RestAgent
from tests.e2e.scenarios.scenario import BACKUP, STEWARD, TASK, Scenario


def agent(scenario: Scenario, participant_id: str) -> RestAgent:
    return RestAgent(scenario.profile.rest, scenario.enrolment(), participant_id)


async def test_an_agent_over_rest_alone_works_and_is_taken_over_by_another(
    scenario: Scenario,
) -> None:
    async with agent(scenario, STEWARD) as steward:
        await scenario.submit(input={"batches": [1, 2, 3]})
        briefing = await steward.start(await steward.directive("start_task"))
        assert briefing["input"] == {"batches": [1, 2, 3]}
        made = await steward.checkpoint(briefing, 0, done=[1], rate=0.5)
        assert made["checkpoint"]["version"] == 1

        async with agent(scenario, BACKUP) as backup:
            await steward.die()
            taken, context = await backup.take_over(await backup.directive("receive_handoff"))
            assert context["outputs"] == {"done": [1], "rate": 0.5}
            assert taken["task"]["assignment"]["epoch"] > briefing["task"]["assignment"]["epoch"]
            await is_told_that_it_lost(steward)
            await backup.checkpoint(taken, 1, done=[1, 2, 3], rate=0.5)
            ended = await backup.complete(taken, {"done": [1, 2, 3]})
            assert ended["task"]["status"] == "succeeded"
    assert (await scenario.task_in(TASK, "succeeded")).result == {"done": [1, 2, 3]}


async def is_told_that_it_lost(steward: RestAgent) -> None:
    """Its next write and its next beat are refused, each with the reason."""
    result = {"epoch": 1, "result": {}}
    late = await steward.try_to("POST", f"/v1/tasks/{TASK}/complete", json=result)
    assert (late.status_code, late.json()["reason"]) == (409, "STALE_ASSIGNMENT")
    lost = await steward.try_to("POST", "/participants/heartbeat", json={"participant_id": STEWARD})
    assert (lost.status_code, lost.json()["facts"]["lease_lost"]) == (409, "expired")


async def test_an_agent_over_rest_alone_resumes_fails_declines_and_leaves(
    scenario: Scenario,
) -> None:
    async with agent(scenario, STEWARD) as steward:
        await scenario.submit()
        await steward.start(await steward.directive("start_task"))
        await steward.die()
        await steward.register()  # a new generation of the same participant
        resumed = await steward.ask("POST", "/v1/session/resume", json={"generation": 2})
        (briefing,) = resumed["briefings"]
        assert briefing["task"]["status"] == "active"
        epoch = briefing["task"]["assignment"]["epoch"]
        failure = {"epoch": epoch, "message": "the source is away", "retryable": True}
        failed = await steward.ask("POST", f"/v1/tasks/{TASK}/fail", json=failure)
        assert failed["task"]["status"] == "pending"
        again = await steward.directive("start_task")
        said = {"epoch": again["epoch"], "reason": "not today"}
        declined = await steward.ask("POST", f"/v1/tasks/{TASK}/decline", json=said)
        assert declined["task"]["status"] == "pending"
        await steward.beat()
        assert (await steward.beat(leaving=True))["status"] == "failed"
        left = await steward.ask("GET", f"/v1/participants/{STEWARD}")
        assert left["participant"]["status_reason"] == "participant_left"
        renewed = await steward.ask("POST", "/v1/identity/renew", json={})
        assert renewed["credential"]


async def test_an_agent_over_rest_alone_meets_an_obligation_by_a_decision_and_not_by_its_word(
    scenario: Scenario,
) -> None:
    async with agent(scenario, STEWARD) as steward:
        await scenario.submit(policy_constraints=["decision_rationale_required"])
        briefing = await steward.start(await steward.directive("start_task"))
        epoch = briefing["task"]["assignment"]["epoch"]
        said = {"epoch": epoch, "result": {}, "fulfilled_obligations": ["decision_rationale"]}
        refused = await steward.try_to("POST", f"/v1/tasks/{TASK}/complete", json=said)
        assert (refused.status_code, refused.json()["reason"]) == (400, "FIELD_INVALID")
        assert "decision_rationale is not met" in refused.text
        decision = {"obligation": "decision_rationale", "decision": "no pair scored high enough"}
        context = {"task_id": TASK, "epoch": epoch, "context": {"decisions": [decision]}}
        await steward.ask("POST", "/state/checkpoint", json=context)
        ended = await steward.ask("POST", f"/v1/tasks/{TASK}/complete", json=said)
        (met,) = ended["task"]["obligations"]
        assert (met["fulfilled"], met["evidence"]) == (True, f"phoenix://state/{TASK}/1")

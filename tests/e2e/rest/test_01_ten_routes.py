"""The paper's ten routes, each called once, in one story; `tests/contract` quotes its payloads."""

from __future__ import annotations

from typing import Any

import httpx

from tests.e2e.scenarios.intervals import PATIENCE
from tests.e2e.scenarios.scenario import BACKUP, STEWARD, TASK, Scenario
from tests.support.servers.http import http_client
from tests.support.waiting.until import until


class Rest:
    """A client of the REST port."""

    def __init__(self, client: httpx.AsyncClient, scenario: Scenario) -> None:
        self._client = client
        self._stage = scenario

    async def ask(self, who: str, method: str, path: str, **said: Any) -> dict[str, Any]:
        """Call a route as ``who``, a participant or empty for the operator; expects status 200."""
        if who:
            token = self._stage.participant_token(who)
        else:
            token = self._stage.token(sub="operator", roles=["operator", "submitter", "auditor"])
        answer = await self._client.request(
            method, path, headers={"authorization": f"Bearer {token}"}, **said
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def join(self, who: str) -> None:
        """Register a participant."""
        joined = await self.ask(who, "POST", "/participants/register", json=declared(who))
        assert joined["decision"] == "approved"

    async def found(self, who: str) -> None:
        """Send beats until discovery returns the participant; trust follows the ledger."""
        needed = {"required_capabilities": "duplicate_detection", "risk_level": "medium"}

        async def look() -> bool:
            await self.ask(who, "POST", "/participants/heartbeat", json={"participant_id": who})
            answer = await self.ask("", "GET", "/participants/discover", params=needed)
            return who in [one["participant_id"] for one in answer["candidates"]]

        await until(look, PATIENCE)

    async def directive(self, who: str, action: str) -> dict[str, Any]:
        """Send beats until an answer brings the directive."""

        async def look() -> dict[str, Any] | None:
            beat = await self.ask(
                who, "POST", "/participants/heartbeat", json={"participant_id": who, "load": 0.1}
            )
            waiting = [one for one in beat.get("directives", []) if one["action"] == action]
            return waiting[0] if waiting else None

        return await until(look, PATIENCE)


def declared(participant_id: str) -> dict[str, Any]:
    return {
        "id": participant_id,
        "type": "agent",
        "owner": "data-governance",
        "capabilities": ["duplicate_detection"],
        "permissions": ["read_customer_master", "suggest_merge"],
        "metadata": {"data_domains": ["customer"]},
    }


async def test_a_task_goes_its_whole_way_over_the_papers_ten_routes(scenario: Scenario) -> None:
    url = scenario.profile.rest
    async with http_client(url) as client:
        rest = Rest(client, scenario)
        await is_submitted_and_assigned(rest)
        told = await rest.directive(STEWARD, "start_task")
        steward = await scenario.unregistered(STEWARD)
        await steward.start(TASK, int(told["epoch"]))  # no route of the paper starts a task
        context = {"outputs": {"checked": 3}}
        checkpoint = {"task_id": TASK, "epoch": told["epoch"], "context": context}
        kept = await rest.ask(STEWARD, "POST", "/state/checkpoint", json=checkpoint)
        await is_handed_off(rest, kept["hash"])
        retire = {"participant_id": STEWARD}
        retired = await rest.ask("", "POST", "/participants/retire", json=retire)
        assert retired["retirement"]["participant_id"] == STEWARD
        await is_in_the_audit(rest)


async def is_submitted_and_assigned(rest: Rest) -> None:
    """Routes 1 to 5: register, heartbeat, submit, discover, assign."""
    await rest.join(STEWARD)
    beat = {"participant_id": STEWARD, "load": 0.1, "status": "serving", "health": "well"}
    await rest.ask(STEWARD, "POST", "/participants/heartbeat", json=beat)
    task = {
        "task_id": TASK,
        "objective": "Validate duplicate customer candidates",
        "required_capabilities": ["duplicate_detection"],
        "data_domains": ["customer_master"],
        "risk_level": "medium",
        "assignment_intent": "on_request",
    }
    submitted = await rest.ask("", "POST", "/tasks/submit", json=task)
    assert submitted["task"]["status"] == "pending"
    await rest.found(STEWARD)
    bound = await rest.ask("", "POST", "/tasks/assign", json={"task_id": TASK})
    assert (bound["participant_id"], bound["decision"]) == (STEWARD, "approved")


async def is_handed_off(rest: Rest, received_hash: str) -> None:
    """Routes 7 and 8: the steward asks for a handoff, and the backup completes it."""
    await rest.join(BACKUP)
    await rest.found(BACKUP)  # a handoff that finds nobody is denied for good
    asked = {"task_id": TASK, "source": STEWARD}
    begun = await rest.ask(STEWARD, "POST", "/handoff/initiate", json=asked)
    offer = await rest.directive(BACKUP, "receive_handoff")
    accepted = {
        "handoff_id": begun["handoff"]["handoff_id"],
        "offer_id": offer["offer_id"],
        "received_hash": received_hash,
    }
    taken = await rest.ask(BACKUP, "POST", "/handoff/complete", json=accepted)
    assert taken["handoff"]["status"] == "completed"


async def is_in_the_audit(rest: Rest) -> None:
    """Route 10: the handoff is found by its task and type."""

    async def moved() -> list[dict[str, Any]]:
        wanted = {"task": TASK, "type": "HANDOFF_COMPLETED"}
        answer = await rest.ask("", "GET", "/audit/events", params=wanted)
        events: list[dict[str, Any]] = answer["events"]
        return events

    (event,) = await until(moved, PATIENCE)
    assert (event["detail"]["source"], event["detail"]["target"]) == (STEWARD, BACKUP)

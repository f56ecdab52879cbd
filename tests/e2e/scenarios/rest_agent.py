"""An agent that speaks REST alone: a plain HTTP client, JSON, and nothing of the SDK's."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from types import TracebackType
from typing import Any, Final, Self

import httpx
import rfc8785

from tests.e2e.scenarios.intervals import ATTEMPT
from tests.support.servers.http import http_client

WAIT: Final = "10s"


class RestAgent:
    """Enrols and registers, then beats and waits for directives until it is left or killed."""

    def __init__(self, url: str, enrolment: str, participant_id: str) -> None:
        self.id = participant_id
        self._enrolment = enrolment
        self._client = http_client(url, ATTEMPT)
        self._token = ""
        self._generation = 0
        self._taken: list[str] = []
        self._beating: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.enrol()
        await self.register()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.die()
        await self._client.aclose()

    async def ask(self, method: str, path: str, **said: Any) -> dict[str, Any]:
        """Call a route with the agent's credential; raises AssertionError for a refusal."""
        answer = await self.try_to(method, path, **said)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def try_to(self, method: str, path: str, **said: Any) -> httpx.Response:
        """The same, whatever the answer is."""
        headers = {"authorization": f"Bearer {self._token or self._enrolment}"}
        return await self._client.request(method, path, headers=headers, **said)

    # Being here -----------------------------------------------------------------------------------

    async def enrol(self) -> None:
        """Exchange the enrolment credential for a short-lived one."""
        wanted = {"participant_id": self.id, "owner": "data-governance"}
        self._token = (await self.ask("POST", "/v1/identity/enrol", json=wanted))["credential"]

    async def register(self) -> None:
        """Register, send the first beat, and go on beating."""
        declared = {
            "id": self.id,
            "type": "agent",
            "owner": "data-governance",
            "capabilities": ["duplicate_detection"],
            "permissions": ["read_customer_master", "suggest_merge"],
            "data_domains": ["customer"],
        }
        joined = await self.ask("POST", "/participants/register", json=declared)
        self._generation = joined["participant"]["generation"]
        await self.beat()
        interval = float(joined["heartbeat_interval"].removesuffix("s"))
        self._beating = asyncio.create_task(self._beat_every(interval))

    async def beat(self, **said: Any) -> dict[str, Any]:
        """Send one beat, which acknowledges what was taken."""
        taken, self._taken = self._taken, []
        body = {
            "participant_id": self.id,
            "generation": self._generation,
            "acknowledged_directives": taken,
            **said,
        }
        return await self.ask("POST", "/participants/heartbeat", json=body)

    async def _beat_every(self, interval: float) -> None:
        while True:
            await asyncio.sleep(interval)
            await self.beat()

    async def die(self) -> None:
        """Stop beating without a word."""
        if self._beating is not None:
            self._beating.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._beating
            self._beating = None

    async def directive(self, action: str) -> dict[str, Any]:
        """Wait for a directive of this action by long polls; what comes is acknowledged."""
        path = f"/v1/participants/{self.id}/directives"
        while True:
            asked = {"wait": WAIT, "known_directives": self._taken}
            for one in (await self.ask("GET", path, params=asked))["directives"]:
                self._taken.append(one["directive_id"])
                if one["action"] == action:
                    found: dict[str, Any] = one
                    return found

    # Working --------------------------------------------------------------------------------------

    async def start(self, directive: dict[str, Any]) -> dict[str, Any]:
        """Start the task of a directive; return its briefing."""
        path = f"/v1/tasks/{directive['task_id']}/start"
        started = await self.ask("POST", path, json={"epoch": directive["epoch"]})
        briefing: dict[str, Any] = started["briefing"]
        return briefing

    async def checkpoint(
        self, briefing: dict[str, Any], base_version: int, **outputs: Any
    ) -> dict[str, Any]:
        """Record a context on top of ``base_version``."""
        task = briefing["task"]
        body = {
            "task_id": task["task_id"],
            "epoch": task["assignment"]["epoch"],
            "base_version": base_version,
            "context": {"objective": task["objective"], "outputs": outputs},
        }
        made: dict[str, Any] = await self.ask("POST", "/state/checkpoint", json=body)
        return made

    async def complete(self, briefing: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
        """End the task with its result."""
        task = briefing["task"]
        body = {"epoch": task["assignment"]["epoch"], "result": result}
        made: dict[str, Any] = await self.ask(
            "POST", f"/v1/tasks/{task['task_id']}/complete", json=body
        )
        return made

    async def take_over(self, directive: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Complete the handoff on offer; return the briefing and the context that was read."""
        task_id, offer_id = directive["task_id"], directive["offer_id"]
        asked = {"context_ref": f"phoenix://context/{task_id}", "offer_id": offer_id}
        context = (await self.ask("GET", "/v1/context", params=asked))["context"]
        task = (await self.ask("GET", f"/v1/tasks/{task_id}"))["task"]
        body = {
            "handoff_id": directive["handoff_id"],
            "offer_id": offer_id,
            "received_hash": f"sha256:{hashlib.sha256(rfc8785.dumps(context)).hexdigest()}",
            "accepted_obligations": [
                one["id"] for one in task["obligations"] if not one["fulfilled"]
            ],
        }
        taken = await self.ask("POST", "/handoff/complete", json=body)
        return taken["briefing"], context

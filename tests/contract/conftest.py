"""A tenant of a running runtime, driven with payloads as the paper prints them."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import grpc.aio
import httpx
import pytest_asyncio
from joserfc.jwk import OKPKey

from phoenix_dma.v1 import (
    assignment_pb2,
    assignment_pb2_grpc,
    governance_pb2,
    governance_pb2_grpc,
)
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.chassis.rpc.credentials import LONGEST_LIFE, sign
from phoenix_runtime.core.clock import SteadyClock
from phoenix_runtime.local.data_folder.keys import ISSUER
from phoenix_runtime.local.runtime import LocalRuntime, LocalRuntimeOptions
from tests.support.builders.payloads import PARTICIPANT
from tests.support.servers.http import http_client
from tests.support.servers.policy_engines import evaluation, loading, policy_engine
from tests.support.servers.temporary import temporary
from tests.support.waiting.until import PATIENCE

__all__ = ["TASK_ID", "PaperTenant", "evaluation", "loading", "paper_tenant", "policy_engine"]

TASK_ID = "task.customer-merge-review.8841"
ENVIRONMENT = {
    "PHOENIX_DMA_REFERENCES": json.dumps({"*": ["s3://contexts/"]}),
    "PHOENIX_DMA_LEASE_TTL": "60",
    "PHOENIX_DMA_HEARTBEAT_INTERVAL": "20",
    "PHOENIX_DMA_LAST_CHECKPOINT": "1",
}
"""Who beats once is there for a whole test; a source that says nothing is waited for briefly."""


@dataclass(frozen=True, slots=True)
class PaperTenant:
    """A tenant of its own in the running runtime, and everybody in it."""

    name: str
    rest: httpx.AsyncClient
    channel: grpc.aio.Channel
    issuer: OKPKey

    def token(self, *roles: str, participant: str = "") -> str:
        """A credential as the local issuer makes it."""
        claims = {"iss": ISSUER, "sub": participant or "olga", "tenant": self.name}
        if participant:
            claims |= {"participant": participant, "participant_type": "agent"}
            claims |= {"owner": "data-governance"}
        said = {**claims, "roles": list(roles)}
        return sign(said, self.issuer, SteadyClock(), audience="phoenix-dma", life=LONGEST_LIFE)

    def headers(self, who: str = "") -> dict[str, str]:
        """The headers of a participant, or of an operator."""
        if who:
            return {"authorization": f"Bearer {self.token('participant', participant=who)}"}
        everything = ("operator", "submitter", "auditor", "reviewer")
        return {"authorization": f"Bearer {self.token(*everything)}"}

    def metadata(self, who: str = "") -> tuple[tuple[str, str], ...]:
        return tuple(self.headers(who).items())

    async def post(self, path: str, body: Any, who: str = "") -> Any:
        """The answer to a POST that has to succeed; bytes are sent as they are."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = await self.rest.post(path, content=content, headers=self.headers(who))
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def get(self, path: str) -> Any:
        answer = await self.rest.get(path, headers=self.headers())
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def join(self, payload: bytes = PARTICIPANT, **changed: Any) -> str:
        """Register and beat once; answers the id."""
        declared = {**json.loads(payload), **changed}
        body = payload if not changed else declared
        await self.post("/participants/register", body, declared["id"])
        await self.beat(declared["id"])
        return str(declared["id"])

    async def beat(self, who: str) -> Any:
        body = {"participant_id": who, "load": 0.1, "status": "serving", "health": "fine"}
        return await self.post("/participants/heartbeat", body, who)

    async def assigned(self, payload: bytes) -> Any:
        """Assign as soon as trust has been computed from the ledger, which takes a moment."""
        async with asyncio.timeout(PATIENCE):
            while True:
                answer = await self.rest.post(
                    "/tasks/assign", content=payload, headers=self.headers()
                )
                if answer.status_code == 200:
                    return answer.json()
                assert answer.json()["reason"] == "NO_ELIGIBLE_PARTICIPANT", answer.text

    async def candidate(self, who: str) -> None:
        """Beat until a task of section 7 could be given to it: a handoff to nobody is denied."""
        query = (
            "required_capabilities=duplicate_detection,customer_validation"
            "&data_domains=customer_master&risk_level=medium"
        )
        async with asyncio.timeout(PATIENCE):
            while True:
                await self.beat(who)
                found = await self.get(f"/participants/discover?{query}")
                if who in [one["participant_id"] for one in found["candidates"]]:
                    return

    async def started(self, who: str) -> int:
        """Begin the assigned task; answers the epoch."""
        tasks: Any = assignment_pb2_grpc.AssignmentServiceStub(self.channel)
        task = (await self.task()).assignment
        request = assignment_pb2.StartTaskRequest(task_id=TASK_ID, epoch=task.epoch)
        await tasks.StartTask(request, metadata=self.metadata(who))
        return int(task.epoch)

    async def task(self) -> Any:
        tasks: Any = assignment_pb2_grpc.AssignmentServiceStub(self.channel)
        request = assignment_pb2.GetTaskRequest(task_id=TASK_ID)
        return (await tasks.GetTask(request, metadata=self.metadata())).task

    async def certify(self, participant: str, *capabilities: str) -> None:
        governance: Any = governance_pb2_grpc.GovernanceServiceStub(self.channel)
        for capability in capabilities:
            request = governance_pb2.GrantCertificationRequest(
                participant_id=participant, capability=capability, evidence="test suite 7"
            )
            await governance.GrantCertification(request, metadata=self.metadata())

    async def directive(self, who: str, action: str) -> Any:
        """Beat until a directive of that kind has come; others are acknowledged by nobody."""
        async with asyncio.timeout(PATIENCE):
            while True:
                for directive in (await self.beat(who))["directives"]:
                    if directive["action"] == action:
                        return directive


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def paper_runtime() -> AsyncIterator[LocalRuntime]:
    """The whole runtime, whose leases last for a test."""
    options = LocalRuntimeOptions.temporary(environment=ENVIRONMENT)
    async with temporary(LocalRuntime(options)) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def paper_tenant(paper_runtime: LocalRuntime) -> AsyncIterator[PaperTenant]:
    """A tenant that no other test uses."""
    issuer = OKPKey.import_key(json.loads((paper_runtime.folder.keys / "issuer.jwk").read_text()))
    base = f"http://{paper_runtime.address('rest')}"
    async with (
        http_client(base) as rest,
        grpc.aio.insecure_channel(paper_runtime.address("gateway")) as channel,
    ):
        yield PaperTenant(new_id("tenant"), rest, channel, issuer)

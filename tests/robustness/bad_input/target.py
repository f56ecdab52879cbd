"""The tenant that cases are sent to: one agent holds one task."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Final, Self

import asyncpg
import grpc.aio
import httpx
import pytest_asyncio
from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from gateway.rest.routes import WHOLE, RestRoute, rest_routes
from phoenix_dma.v1 import session_pb2
from phoenix_dma.wire.conversions import short
from phoenix_dma.wire.status_details import DETAILS_KEY
from phoenix_dma.wire.stream_termination import keep_final_status
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.core.validate import Evidence
from phoenix_runtime.local.data_folder.keys import OPERATOR_ROLES
from phoenix_runtime.local.runtime import LocalRuntime, LocalRuntimeOptions
from tests.e2e.conftest import blameless
from tests.e2e.scenarios.assertions import REFUSALS, SCHEMAS, assert_invariants
from tests.e2e.scenarios.intervals import ATTEMPT
from tests.e2e.scenarios.participant import Participant
from tests.e2e.scenarios.scenario import Scenario
from tests.robustness.bad_input.cases import AGENT, OPERATOR, Both, Headers, Rest, Wire
from tests.robustness.bad_input.sessions import Stream
from tests.support.servers.http import http_client

HOLDER: Final = "agent.holder"
HELD: Final = "task.held"
PACKAGE: Final = "phoenix_dma.v1"
KEEP_ALIVE: Final = f"/{PACKAGE}.SessionService/KeepAlive"
KEPT: Final = "SELECT count(*) FROM {schema}.idempotency WHERE tenant = $1"
OUR_FAULT: Final = {"INTERNAL", "UNKNOWN", "DATA_LOSS", "UNAVAILABLE", "DEADLINE_EXCEEDED"}
INTERNALS: Final = re.compile(
    r'Traceback|File "|\.py\b|sqlalchemy|asyncpg|violates|relation "|column "|syntax error'
    r"|127\.0\.0\.1|localhost|object at 0x|DecodeError|google\.protobuf"
)
ROUTES: Final[Mapping[str, RestRoute]] = {route.path: route for route in rest_routes()}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A refusal as the caller saw it. ``code`` is gRPC's name or HTTP's number."""

    code: str | int
    text: str
    reason: str = ""
    remedy: str = ""
    violations: tuple[tuple[str, str], ...] = ()


class Target:
    """Sends cases as the operator of the tenant, or as the agent that holds the task."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        # No limit of the client's own may hide the runtime's.
        options = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
        address = scenario.runtime.address("gateway")
        self.channel = grpc.aio.insecure_channel(address, options=options)
        self.rest = http_client(scenario.profile.rest or "", ATTEMPT)
        self._before: tuple[Evidence, int] | None = None

    async def __aenter__(self) -> Self:
        holder = await self.scenario.unregistered(HOLDER, liveness="unleased")
        await holder.join()
        await self._give(holder)
        self._before = await self.look()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.rest.aclose()
        await self.channel.close(None)

    async def _give(self, holder: Participant) -> None:
        await self.scenario.submit(task_id=HELD)
        task = await self.scenario.task_with(HELD, HOLDER, "assigned")
        await holder.start(HELD, task.epoch)
        await holder.checkpoint(HELD, task.epoch, 0, {"outputs": {"seen": 1}})

    def bearer(self, who: str = OPERATOR) -> Headers:
        """A new credential of ``who`` as a header: one would expire while a module is sent."""
        holder = who == AGENT
        token = (
            self.scenario.participant_token(HOLDER)
            if holder
            else self.scenario.token(sub="operator", roles=OPERATOR_ROLES)
        )
        return {"authorization": f"Bearer {token}"}

    async def look(self) -> tuple[Evidence, int]:
        """Audit and tables without refusals, which are audited; and answers that are kept."""
        found = await self.scenario.evidence()
        events = tuple(
            sorted(
                (one for one in found.events if one.type not in REFUSALS),
                key=lambda one: one.event_id,
            )
        )
        # The chain in the ledger grows behind the outboxes, whose events are looked at already.
        return dataclasses.replace(found, events=events, links=(), head=None), await self._kept()

    async def _kept(self) -> int:
        connection = await asyncpg.connect(self.scenario.runtime.admin_url)
        try:
            counts = [
                await connection.fetchval(KEPT.format(schema=schema), self.scenario.tenant)
                for schema in SCHEMAS
            ]
            return sum(counts)
        finally:
            await connection.close()

    async def nothing_changed(self) -> None:
        """Audit and tables are what they were; the next comparison begins from here."""
        before, self._before = self._before, await self.look()
        assert before is not None
        for field in dataclasses.fields(Evidence):
            was, now = getattr(before[0], field.name), getattr(self._before[0], field.name)
            assert was == now, f"{field.name} changed: {_difference(was, now)}"
        assert before[1] == self._before[1], "an answer was remembered"

    async def everybody_serves(self) -> None:
        """Every service is there, and does what is asked of it."""
        ready = await self.rest.get("/readyz")
        assert ready.status_code == 200, ready.text
        answer = await self.rest.get("/audit/events", headers=self.bearer())
        assert answer.status_code == 200, answer.text

    # Sending ------------------------------------------------------------------------------------

    async def over_rest(self, case: Rest) -> Told:
        """The problem that answers a request of REST."""
        headers = {**self.bearer(case.who), **case.headers}
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        # httpx tidies paths up; what is tried has to arrive as it stands.
        target = case.target.encode()
        url = httpx.URL(self.scenario.profile.rest).copy_with(raw_path=target)
        answer = await self.rest.request(case.method, url, content=case.content, headers=raw)
        return told_by(answer)

    async def both_over_rest(self, case: Both) -> Told:
        """The same for a JSON body."""
        content = json.dumps(case.body).encode()
        headers = {**self.bearer(case.who), "content-type": "application/json"}
        return told_by(await self.rest.post(case.path, content=content, headers=headers))

    async def both_over_grpc(self, case: Both) -> Told:
        """The same body as the message of the route's RPC."""
        route = ROUTES[case.path]
        body = dict(case.body) if route.body == WHOLE else {route.body: dict(case.body)}
        request = json_format.ParseDict(body, route.rpc.request())
        return await self.over_grpc(
            Wire(
                name=case.name,
                rpc=route.rpc.path.removeprefix(f"/{PACKAGE}."),
                request=request,
                refusal=case.refusal,
                who=case.who,
            )
        )

    async def over_grpc(self, case: Wire) -> Told:
        """The status that answers a call."""
        request = case.request
        content = request.SerializeToString() if isinstance(request, Message) else request
        metadata = (*self.bearer(case.who).items(), *case.metadata)
        method: Any = self.channel.unary_unary(f"/{PACKAGE}.{case.rpc}", None, None)
        try:
            await method(content, metadata=metadata, timeout=ATTEMPT)
        except grpc.aio.AioRpcError as error:
            return told_of(error)
        raise AssertionError(f"{case.name} was accepted")

    async def over_a_stream(self, case: Stream) -> Told | str:
        """The status that ends a stream, or the short name of why a lease was lost."""
        content = [
            one.SerializeToString() if isinstance(one, Message) else one
            for one in case.messages(self.scenario)
        ]
        open_stream: Any = self.channel.stream_stream(KEEP_ALIVE, None, None)
        said = tuple(self.bearer(AGENT).items())
        call = keep_final_status(open_stream(iter(content), metadata=said, timeout=ATTEMPT))
        losses = []
        try:
            async for answer in call:
                told = session_pb2.KeepAliveResponse.FromString(answer)
                if told.WhichOneof("message") == "lease_lost":
                    losses.append(told.lease_lost)
        except grpc.aio.AioRpcError as error:
            return told_of(error)
        assert losses, f"{case.name} was accepted"
        assert not INTERNALS.search(losses[0].text), losses
        return short(session_pb2.LeaseLostReason, losses[0].reason)


def told_by(answer: httpx.Response) -> Told:
    """What a problem says; every refusal of REST is one."""
    if answer.status_code < 400:
        raise AssertionError(f"accepted: {answer.text[:500]}")
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    problem = answer.json()
    assert problem["status"] == answer.status_code
    return Told(
        code=answer.status_code,
        text=problem["detail"],
        reason=problem["reason"],
        remedy=problem["remedy"],
        violations=tuple((v["field"], v["text"]) for v in problem.get("violations", ())),
    )


def told_of(error: grpc.aio.AioRpcError) -> Told:
    """What a rich status says."""
    status = status_pb2.Status()
    trailing: Iterable[Any] = error.trailing_metadata() or ()
    for key, value in trailing:
        if key == DETAILS_KEY and isinstance(value, bytes):
            status.ParseFromString(value)
    info, invalid = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        for kind in (info, invalid):
            if detail.Is(kind.DESCRIPTOR):
                detail.Unpack(kind)
    return Told(
        code=error.code().name,
        text=error.details() or "",
        reason=info.reason,
        remedy=info.metadata.get("remedy", ""),
        violations=tuple((v.field, v.description) for v in invalid.field_violations),
    )


def says_what_to_do(told: Told, field: str) -> None:
    """The refusal names the field, says what to do, and nothing of our insides."""
    said = " ".join([told.text, told.remedy, *(text for _, text in told.violations)])
    assert not INTERNALS.search(said), said
    assert told.remedy, told
    if told.reason == "FIELD_INVALID":
        assert told.violations
        assert all(text for _, text in told.violations)
    if field:
        assert any(name.startswith(field) for name, _ in told.violations), told


def _difference(was: Any, now: Any) -> str:
    if isinstance(was, tuple):
        return f"gone {[x for x in was if x not in now]}, new {[x for x in now if x not in was]}"
    return f"{was} became {now}"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def runtime() -> AsyncIterator[LocalRuntime]:
    """A runtime for the cases of one module; no case may make a service log an error."""
    async with blameless(LocalRuntime(LocalRuntimeOptions.temporary())) as runtime:
        yield runtime


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def target(runtime: LocalRuntime) -> AsyncIterator[Target]:
    """The target; afterwards everybody serves, and audit and tables agree."""
    async with Scenario(runtime, new_id("tenant")) as scenario, Target(scenario) as target:
        yield target
        await target.everybody_serves()
        await assert_invariants(scenario)

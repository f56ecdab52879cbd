"""A tenant of the runtime, its participants and people, and the evidence that they leave."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, Unpack

from joserfc.jwk import OKPKey

from phoenix_dma import declare
from phoenix_dma.aio.rpc.credentials import GivenCredential, credential_for
from phoenix_dma.aio.runtime_api import RuntimeApi
from phoenix_dma.briefing import TaskInfo
from phoenix_dma.declare import ParticipantFields, TaskFields
from phoenix_dma.profile import Endpoint, Profile
from phoenix_dma.v1 import assignment_pb2, audit_pb2, identity_pb2, registry_pb2
from phoenix_runtime.chassis.rpc.credentials import ENROLMENT_AUDIENCE, LONGEST_LIFE, sign
from phoenix_runtime.core.clock import SteadyClock
from phoenix_runtime.core.events import AuditEvent
from phoenix_runtime.core.validate import Evidence
from phoenix_runtime.local.data_folder.files import write_private
from phoenix_runtime.local.data_folder.keys import ISSUER, OPERATOR_ROLES
from phoenix_runtime.local.evidence import read_evidence
from phoenix_runtime.local.runtime import LocalRuntime
from tests.e2e.scenarios.agents import Agent, start_agent
from tests.e2e.scenarios.intervals import PATIENCE
from tests.e2e.scenarios.participant import Participant
from tests.e2e.scenarios.recording import Recording, RecordingTransport
from tests.support.waiting.until import until

STEWARD: Final = "agent.customer-steward.001"
BACKUP: Final = "agent.customer-steward.002"
TASK: Final = "task.customer-merge-review.8841"


class Scenario:
    """One tenant; closing it ends every participant and connection that is still there."""

    def __init__(self, runtime: LocalRuntime, tenant: str) -> None:
        self.runtime = runtime
        self.tenant = tenant
        self.clock = SteadyClock()
        self.recording = Recording()
        self._stack = AsyncExitStack()
        self._api: RuntimeApi | None = None
        self.key = OKPKey.import_key(json.loads((runtime.folder.keys / "issuer.jwk").read_text()))
        self.profile = self._profile("operator", self.enrolment())

    async def __aenter__(self) -> Self:
        await self._stack.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    # Credentials ---------------------------------------------------------------------------------

    def enrolment(self) -> str:
        """The tenant's enrolment credential, like the one that ``phoenix-dma up`` writes."""
        claims: dict[str, Any] = {"sub": "operator", "roles": OPERATOR_ROLES, "may_enrol": ["*"]}
        return self.token(audience=ENROLMENT_AUDIENCE, life=timedelta(hours=1), **claims)

    def profile_of(self, name: str) -> Profile:
        """A profile whose enrolment the issuer made for ``name`` alone.

        Nobody in a scenario is enrolled through somebody else's credential, as in a deployment.
        """
        claims: dict[str, Any] = {"sub": name, "roles": OPERATOR_ROLES, "may_enrol": [name]}
        made = self.token(audience=ENROLMENT_AUDIENCE, life=timedelta(hours=1), **claims)
        return self._profile(name, made)

    def _profile(self, name: str, enrolment: str) -> Profile:
        credential = self.runtime.folder.secrets / f"{self.tenant}.{name}.jwt"
        write_private(credential, enrolment)
        return Profile(
            grpc=self.runtime.address("gateway"),
            rest=f"http://{self.runtime.address('rest')}",
            tenant=self.tenant,
            credential=credential,
        )

    def token(
        self,
        *,
        audience: str = "phoenix-dma",
        life: timedelta = LONGEST_LIFE,
        key: OKPKey | None = None,
        **claims: Any,
    ) -> str:
        """A credential of the runtime's issuer; ``claims`` override what a genuine one contains."""
        said = {"iss": ISSUER, "tenant": self.tenant, **claims}
        return sign(said, key or self.key, self.clock, audience=audience, life=life)

    @property
    def key_id(self) -> str:
        """The id of the issuer's key."""
        return str(self.key.kid)

    def participant_token(self, participant_id: str, **claims: Any) -> str:
        """The credential of a participant, made without a call."""
        said: dict[str, Any] = {
            "sub": participant_id,
            "participant": participant_id,
            "participant_type": "agent",
            "owner": "data-governance",
            "roles": ["participant"],
        }
        return self.token(**{**said, **claims})

    # Who acts ------------------------------------------------------------------------------------

    async def transport(self, part: str = "gateway") -> RecordingTransport:
        """A connection to a part of the runtime, closed with the scenario."""
        endpoint = Endpoint(target=self.runtime.address(part), tls=False)
        transport = RecordingTransport(endpoint, self.recording)
        self._stack.push_async_callback(transport.close)
        return transport

    async def operator(self) -> RuntimeApi:
        """One person with the roles operator, submitter, reviewer and auditor."""
        if self._api is None:
            transport = await self.transport()
            wanted = identity_pb2.EnrolRequest()
            self._api = RuntimeApi(transport, credential_for(transport, self.profile, wanted))
        return self._api

    async def person(self, name: str, *roles: str) -> RuntimeApi:
        """Somebody with these roles alone."""
        token = self.token(sub=name, roles=list(roles))
        return RuntimeApi(await self.transport(), GivenCredential(token))

    async def participant(
        self, participant_id: str = STEWARD, **fields: Unpack[ParticipantFields]
    ) -> Participant:
        """Register a steward and wait until it is ACTIVE.

        A beat is acknowledged before the change that it causes is committed.
        """
        made = await self.unregistered(participant_id, **fields)
        joined = await made.join()
        if joined.participant.liveness == registry_pb2.LIVENESS_LEASED:
            await self.standing(participant_id, "active")
        return made

    async def unregistered(
        self, participant_id: str = STEWARD, **fields: Unpack[ParticipantFields]
    ) -> Participant:
        """A steward that is not registered yet."""
        transport = await self.transport()
        own = self.profile_of(participant_id)
        made = Participant(transport, own, steward(participant_id, fields))
        self._stack.push_async_callback(made.leave)
        return made

    async def agent(self, participant_id: str = STEWARD, **options: Any) -> Agent:
        """Start a steward as a process of its own, which works on every task that it is given."""
        own = self.profile_of(participant_id)
        agent = await start_agent(own, {"id": participant_id, **options})
        self._stack.push_async_callback(agent.kill)
        return agent

    # What is asked of the runtime
    # ------------------------------------------------------------------

    async def submit(self, **fields: Unpack[TaskFields]) -> TaskInfo:
        """Submit a task, by default one like the paper's."""
        return await (await self.operator()).submit(self.task(**fields))

    def task(self, **fields: Unpack[TaskFields]) -> assignment_pb2.TaskDeclaration:
        """A task like the paper's; ``fields`` override.

        Its risk is low: on a busy machine a newcomer misses a beat, and two beats are all that
        trust knows of its health.
        """
        made: TaskFields = {
            "task_id": TASK,
            "objective": "Validate duplicate customer candidates and recommend merge actions",
            "required_capabilities": ["duplicate_detection"],
            "data_domains": ["customer_master"],
            "risk_level": "low",
        }
        return declare.task({**made, **fields})

    async def task_in(self, task_id: str, *statuses: str, seconds: float = PATIENCE) -> TaskInfo:
        """Wait until the task is in one of these states."""
        api = await self.operator()

        async def look() -> TaskInfo | None:
            found = await api.get_task(task_id)
            return found if found.status in statuses else None

        return await until(look, seconds)

    async def task_with(self, task_id: str, owner: str, status: str = "active") -> TaskInfo:
        """Wait until ``owner`` holds the task in that state."""
        api = await self.operator()

        async def look() -> TaskInfo | None:
            found = await api.get_task(task_id)
            return found if (found.participant, found.status) == (owner, status) else None

        return await until(look, PATIENCE)

    async def standing(self, participant_id: str, *statuses: str) -> str:
        """Wait until the participant is in one of these states."""
        api = await self.operator()

        async def look() -> str | None:
            found = await api.get_participant(participant_id)
            status = registry_pb2.ParticipantStatus.Name(found.status)
            short = status.removeprefix("PARTICIPANT_STATUS_").lower()
            return short if short in statuses else None

        return await until(look, PATIENCE)

    # What is left of it --------------------------------------------------------------------------

    async def evidence(self) -> Evidence:
        """The tenant's audit and tables."""
        return await read_evidence(self.runtime.admin_url, self.tenant)

    async def events(self, *types: str, about: str = "") -> list[AuditEvent]:
        """Audit events in order, of these types, about this aggregate."""
        found = (await self.evidence()).events
        wanted = [
            event
            for event in found
            if (not types or event.type in types) and (not about or event.aggregate == about)
        ]
        return sorted(wanted, key=lambda event: event.event_id)

    async def story(self, task_id: str) -> list[str]:
        """The types of a task's events, by aggregate version."""
        found = await self.events(about=f"task/{task_id}")
        return [event.type for event in sorted(found, key=lambda one: one.aggregate_version)]

    async def event(self, kind: str, **fields: str) -> AuditEvent:
        """Wait for the first event of that kind whose fields are these."""

        async def look() -> AuditEvent | None:
            for event in await self.events(kind):
                if all(getattr(event, name) == value for name, value in fields.items()):
                    return event
            return None

        return await until(look, PATIENCE)

    async def in_ledger(self, kind: str, task_id: str = "") -> None:
        """Wait until the ledger has that event: outboxes are relayed a moment later."""
        api = await self.operator()
        request = audit_pb2.ListAuditEventsRequest(task=task_id, type=[kind])
        await until(lambda: api.audit(request), PATIENCE)

    def file(self, name: str) -> Path:
        """A path in the runtime's folder that no other tenant uses."""
        return self.runtime.folder.path / f"{self.tenant}.{name}"


def steward(participant_id: str, fields: Mapping[str, Any]) -> ParticipantFields:
    """The paper's customer steward; ``fields`` override."""
    made: ParticipantFields = {
        "id": participant_id,
        "type": "agent",
        "owner": "data-governance",
        "capabilities": ["duplicate_detection", "policy_check"],
        "data_domains": ["customer"],
        "permissions": ["read_customer_master", "suggest_merge"],
        "capacity": 4,
    }
    return {**made, **fields}  # type: ignore[typeddict-item]

"""Four eyes are two credentials: an agent tries every way to say yes to its own action."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from phoenix_dma.aio.rpc.credentials import credential_for
from phoenix_dma.aio.runtime_api import RuntimeApi
from phoenix_dma.errors import ApprovalRequired, NotPermitted, PolicyDenied
from phoenix_dma.own_profile import write_own_profile
from phoenix_dma.profile import Profile
from phoenix_dma.v1 import governed_pb2, identity_pb2, registry_pb2
from tests.e2e.scenarios.humans import asked_once
from tests.e2e.scenarios.participant import Participant
from tests.e2e.scenarios.scenario import BACKUP, STEWARD, TASK, Scenario, steward

MERGE = {"kind": "final_action", "name": "merge", "domain": "customer_master"}
SUBJECT = {"merge": ["customer.2"], "into": "customer.1"}
OWNER = "data-governance"
JANE = "human.jane"
PUPPET = "human.puppet"
PARTICIPANT = identity_pb2.ENROLMENT_KIND_PARTICIPANT
PERSON = identity_pb2.ENROLMENT_KIND_PERSON
REVIEWER = governed_pb2.ROLE_REVIEWER
OPERATOR = governed_pb2.ROLE_OPERATOR


class Cast:
    """Profiles and calls of those who take part in one scenario."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario

    async def profile(self, by: RuntimeApi, **order: Any) -> Profile:
        """The profile of somebody whom ``by`` enrols."""
        request = identity_pb2.CreateEnrolmentRequest(**order)
        made = await by.ask(by.stubs.identity.CreateEnrolment, request)
        base = self.scenario.profile
        file = self.scenario.file(f"{made.enrolment.identity}.toml")
        write_own_profile(file, made.credential, base)
        return replace(base, credential=file.with_suffix(".jwt"))

    async def api(self, profile: Profile, **wanted: Any) -> RuntimeApi:
        """Calls by that profile; as what it is where nothing is ``wanted``."""
        transport = await self.scenario.transport()
        request = identity_pb2.EnrolRequest(**wanted)
        return RuntimeApi(transport, credential_for(transport, profile, request))

    async def person(self, by: RuntimeApi, name: str, *roles: int) -> RuntimeApi:
        """A person whom ``by`` enrols, and who takes part."""
        profile = await self.profile(by, kind=PERSON, identity=name, roles=roles or [REVIEWER])
        api = await self.api(profile)
        declaration = registry_pb2.ParticipantDeclaration(id=name, type="human", owner=name)
        request = registry_pb2.RegisterParticipantRequest(participant=declaration)
        await api.ask(api.stubs.registry.RegisterParticipant, request)
        return api

    async def agent(self, profile: Profile, name: str = STEWARD, **fields: Any) -> Participant:
        """A steward that joins with that profile."""
        transport = await self.scenario.transport()
        made = Participant(transport, profile, steward(name, fields))
        await made.join()
        await self.scenario.standing(name, "active")
        return made


async def asked(scenario: Scenario, agent: Participant) -> tuple[str, int]:
    """The agent holds the task and has asked for a merge: the approval's id, and the epoch."""
    await scenario.submit(policy_constraints=["human_approval_required_for_merge"])
    epoch = (await agent.take(TASK)).task.epoch
    question = await asked_once(scenario, agent, epoch, subject=SUBJECT, **MERGE)
    return question.approval_id, epoch


async def refused(attempt: Awaitable[Any]) -> None:
    with pytest.raises(NotPermitted):
        await attempt


async def test_an_agent_with_a_profile_of_its_own_finds_no_way(scenario: Scenario) -> None:
    cast, operator = Cast(scenario), await scenario.operator()
    jane = await cast.person(operator, JANE)
    own = await cast.profile(operator, kind=PARTICIPANT, identity=STEWARD, owner=OWNER)
    agent = await cast.agent(own)
    approval, epoch = await asked(scenario, agent)

    async def decide(api: RuntimeApi) -> Any:
        return await api.decide(approval, approve=True, comment="it is good")

    async def as_somebody(**wanted: Any) -> Any:
        return await decide(await cast.api(own, **wanted))

    human = {"participant_id": PUPPET, "owner": OWNER, "participant_type": "human"}
    mint: list[Callable[[], Awaitable[Any]]] = [
        lambda: decide(agent.api),
        lambda: as_somebody(roles=[REVIEWER]),
        lambda: as_somebody(**human, roles=[REVIEWER]),
        lambda: as_somebody(participant_id=JANE, owner=JANE, participant_type="human"),
        lambda: as_somebody(participant_id=STEWARD, owner=OWNER, participant_type="human"),
        lambda: cast.person(agent.api, PUPPET),
        lambda: cast.profile(agent.api, kind=PARTICIPANT, identity="agent.2", owner=OWNER),
        lambda: change(agent.api),
        lambda: register_as_human(agent.api),
    ]
    for attempt in mint:
        await refused(attempt())
    with pytest.raises(ApprovalRequired):
        await agent.authorize(TASK, epoch, subject=SUBJECT, **MERGE)

    await decide(jane)
    allowed = await agent.authorize(TASK, epoch, subject=SUBJECT, **MERGE)
    assert allowed.approval_id == approval, "somebody else may: one operator enrolled them both"


async def change(api: RuntimeApi) -> Any:
    request = identity_pb2.ChangeRolesRequest(identity=STEWARD, grant=[REVIEWER])
    return await api.ask(api.stubs.identity.ChangeRoles, request)


async def register_as_human(api: RuntimeApi) -> Any:
    declaration = registry_pb2.ParticipantDeclaration(id=STEWARD, type="human", owner=OWNER)
    request = registry_pb2.RegisterParticipantRequest(participant=declaration)
    return await api.ask(api.stubs.registry.RegisterParticipant, request)


async def test_whom_the_agents_or_its_owners_credential_enrolled_does_not_decide(
    scenario: Scenario,
) -> None:
    cast, operator = Cast(scenario), await scenario.operator()
    olga = await cast.person(operator, "human.olga", OPERATOR, REVIEWER)
    of_owner = await cast.person(olga, PUPPET)
    # It runs with the operator's profile, as agents did before there were others.
    agent = await cast.agent(scenario.profile, owner="human.olga")
    [event] = await scenario.events("PARTICIPANT_REGISTERED", about=f"participant/{STEWARD}")
    assert "enrolment of operator" in event.detail["warnings"][0]  # type: ignore[index,operator]
    approval, epoch = await asked(scenario, agent)
    minted = {"participant_id": "human.minted", "owner": "x", "participant_type": "human"}
    by_profile = await cast.api(scenario.profile, **minted, roles=[REVIEWER])
    by_order = await cast.person(operator, "human.ordered")
    for puppet in (of_owner, by_profile, by_order):
        await refused(puppet.decide(approval, approve=True, comment="it is good"))
    events = await scenario.events("ACCESS_REFUSED")
    assert [event.reason_code for event in events] == ["same_descent"] * 3
    with pytest.raises(ApprovalRequired):
        await agent.authorize(TASK, epoch, subject=SUBJECT, **MERGE)


async def test_a_yes_of_whoever_owns_the_agent_that_takes_over_is_asked_anew(
    scenario: Scenario,
) -> None:
    """Otto is a third party when he decides; then the first agent leaves, and his own follows."""
    cast, operator, otto = Cast(scenario), await scenario.operator(), "human.otto"
    as_otto = await cast.person(operator, otto)
    own = await cast.profile(operator, kind=PARTICIPANT, identity=STEWARD, owner=OWNER)
    agent = await cast.agent(own)
    approval, _ = await asked(scenario, agent)
    await as_otto.decide(approval, approve=True, comment="it is good")
    of_otto = await cast.profile(operator, kind=PARTICIPANT, identity=BACKUP, owner=otto)
    backup = await cast.agent(of_otto, BACKUP, owner=otto)
    await agent.say_goodbye()
    epoch = (await backup.take_over(TASK)).briefing.task.assignment.epoch
    with pytest.raises(ApprovalRequired) as again:
        await backup.authorize(TASK, epoch, subject=SUBJECT, **MERGE)
    assert again.value.approval_id != approval
    [event] = await scenario.events("ACCESS_REFUSED")
    assert (event.reason_code, event.actor) == ("same_descent", BACKUP)
    with pytest.raises((NotPermitted, PolicyDenied)):
        await as_otto.decide(again.value.approval_id, approve=True, comment="it is still good")
    jane = await cast.person(operator, JANE)
    await jane.decide(again.value.approval_id, approve=True, comment="looked at it")
    allowed = await backup.authorize(TASK, epoch, subject=SUBJECT, **MERGE)
    assert allowed.approval_id == again.value.approval_id


async def test_a_yes_of_somebody_who_is_disabled_since_is_asked_anew(scenario: Scenario) -> None:
    cast, operator = Cast(scenario), await scenario.operator()
    jane = await cast.person(operator, JANE)
    own = await cast.profile(operator, kind=PARTICIPANT, identity=STEWARD, owner=OWNER)
    agent = await cast.agent(own)
    approval, epoch = await asked(scenario, agent)
    await jane.decide(approval, approve=True, comment="it is good")
    request = identity_pb2.DisableIdentityRequest(identity=JANE, reason="her laptop was stolen")
    await operator.ask(operator.stubs.identity.DisableIdentity, request)
    with pytest.raises(ApprovalRequired) as again:
        await agent.authorize(TASK, epoch, subject=SUBJECT, **MERGE)
    assert again.value.facts["approval_id"] != approval

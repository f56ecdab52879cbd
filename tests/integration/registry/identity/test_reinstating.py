"""A suspension is lifted by somebody else, and who is out does nothing for people any more."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from phoenix_dma.v1 import governed_pb2, identity_pb2, registry_pb2
from tests.integration.registry.conftest import STEWARD, Registry
from tests.integration.registry.identity.test_enrolments import PERSON, create, exchange
from tests.integration.registry.test_standing import refused, suspend
from tests.support.builders.keys import bearer

OLGA = "human.olga"
OPERATOR = governed_pb2.ROLE_OPERATOR
REVIEWER = governed_pb2.ROLE_REVIEWER
SUSPENDED = registry_pb2.PARTICIPANT_STATUS_SUSPENDED
PERSONAL = {"type": "human", "owner": OLGA, "capabilities": [], "permissions": []}
MINTED = {"credential": "root", "holder": "operator"}


async def reinstate(registry: Registry, by: Any, who: str = STEWARD) -> Any:
    request = registry_pb2.ReinstateParticipantRequest(participant_id=who, reason="all is well")
    return await registry.registry.ReinstateParticipant(request, metadata=by)


async def disable(registry: Registry, who: str) -> Any:
    request = identity_pb2.DisableIdentityRequest(identity=who, reason="her laptop was stolen")
    by = registry.person("operator", sub="operator")
    return await registry.identity.DisableIdentity(request, metadata=by)


def human(registry: Registry, name: str, *roles: str, **claims: Any) -> Any:
    said = {"sub": name, "participant": name, "participant_type": "human", "owner": name}
    return registry.person("participant", "operator", *roles, **{**said, **claims})


@pytest.mark.parametrize(
    ("caller", "claims", "reason"),
    [
        (STEWARD, {"participant_type": "agent", "owner": "human.otto"}, "credential_misused"),
        ("human.otto", {}, "credential_misused"),
        ("human.b", {"enrolled_by": [["root", "operator"], ["e.o", "human.otto"]]}, ""),
        ("human.b", {"enrolled_by": [["root", "operator"], ["e.s", STEWARD]]}, ""),
        ("human.minted", MINTED, "same_descent"),
    ],
    ids=["itself", "its owner", "whom the owner enrolled", "whom it enrolled", "another name"],
)
async def test_nobody_lifts_a_suspension_of_their_own_and_a_try_is_audited(
    registry: Registry, caller: str, claims: dict[str, Any], reason: str
) -> None:
    steward = registry.participant(owner="human.otto", **MINTED)
    await registry.register(metadata_of_call=steward, owner="human.otto")
    await suspend(registry)
    own = {"credential": "e.own", "holder": caller}
    found = await refused(reinstate(registry, human(registry, caller, **{**own, **claims})))
    assert (found.reason, found.facts["participant_id"]) == ("NOT_PERMITTED", STEWARD)
    assert "another operator" in found.remedy
    [event] = await registry.events("ACCESS_REFUSED")
    assert (event["reason_code"], event["actor"]) == (reason or "credential_misused", caller)
    assert event["detail"]["attempted"] == "participant.reinstate"
    assert event["detail"]["facts"]["participant_id"] == STEWARD
    assert (await registry.get()).status == SUSPENDED
    await reinstate(registry, registry.person("operator", sub="operator", **MINTED))


async def test_an_operator_lifts_the_suspension_of_whom_it_enrolled(registry: Registry) -> None:
    own = {"credential": "e.steward", "enrolled_by": [["root", "operator"], ["e.olga", OLGA]]}
    await registry.register(metadata_of_call=registry.participant(**own))
    await suspend(registry)
    olga = human(registry, OLGA, credential="e.olga", holder=OLGA)
    assert (await reinstate(registry, olga)).participant.id == STEWARD


async def operator_who_left(registry: Registry, *, registered: bool) -> Any:
    """A credential of Olga's that is out when her identity is disabled."""
    made = await create(registry, kind=PERSON, identity=OLGA, roles=[OPERATOR, REVIEWER])
    olga = bearer(await exchange(registry, made.credential))
    if registered:
        await registry.register(OLGA, metadata_of_call=olga, **PERSONAL)
    await disable(registry, OLGA)
    return olga


Try = Callable[[Registry, Any], Awaitable[Any]]
TRIES: dict[str, Try] = {
    "reinstate": lambda registry, by: reinstate(registry, by, "agent.other"),
    "reinstate herself": lambda registry, by: reinstate(registry, by, OLGA),
    "enrol herself": lambda registry, by: create(
        registry, by, kind=PERSON, identity=OLGA, roles=[OPERATOR]
    ),
    "enrol a puppet": lambda registry, by: create(registry, by, kind=PERSON, identity="human.b"),
    "grant": lambda registry, by: registry.identity.ChangeRoles(
        identity_pb2.ChangeRolesRequest(identity="human.jane", grant=[OPERATOR]), metadata=by
    ),
    "disable": lambda registry, by: registry.identity.DisableIdentity(
        identity_pb2.DisableIdentityRequest(identity="human.jane", reason="revenge"), metadata=by
    ),
    "suspend": suspend,
}


@pytest.mark.parametrize("standing", ["participant", "no participant"])
@pytest.mark.parametrize("tried", TRIES)
async def test_who_was_disabled_changes_nobody_with_a_credential_that_is_out(
    registry: Registry, tried: str, standing: str
) -> None:
    await registry.register()
    await registry.register("agent.other")
    await create(registry, kind=PERSON, identity="human.jane")
    olga = await operator_who_left(registry, registered=standing == "participant")
    found = await refused(TRIES[tried](registry, olga))
    assert found.reason == "NOT_PERMITTED"
    refusals = await registry.events("ACCESS_REFUSED")
    assert [event["actor"] for event in refusals] == [OLGA]
    changed = await registry.events("IDENTITY_ENROLLED", "PARTICIPANT_REINSTATED")
    assert [event["actor"] for event in changed] == ["operator", "operator"]


async def test_a_role_that_was_revoked_is_not_given_back_by_a_credential_that_is_out(
    registry: Registry,
) -> None:
    made = await create(registry, kind=PERSON, identity=OLGA, roles=[OPERATOR, REVIEWER])
    olga = bearer(await exchange(registry, made.credential))
    revoke = identity_pb2.ChangeRolesRequest(identity=OLGA, revoke=[OPERATOR])
    root = registry.person("operator", sub="operator")
    await registry.identity.ChangeRoles(revoke, metadata=root)
    for beside in (TRIES["enrol a puppet"], TRIES["enrol herself"]):
        assert (await refused(beside(registry, olga))).reason == "NOT_PERMITTED"
    grant = identity_pb2.ChangeRolesRequest(identity=OLGA, grant=[OPERATOR])
    found = await refused(registry.identity.ChangeRoles(grant, metadata=olga))
    assert (found.reason, "operator" in found.text) == ("NOT_PERMITTED", True)
    assert len(await registry.events("ACCESS_REFUSED")) == 3

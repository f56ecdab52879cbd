"""Nobody certifies their own: two people of one enrolment try it for each other's agents."""

from __future__ import annotations

import pytest

from phoenix_dma.aio.runtime_api import RuntimeApi
from phoenix_dma.errors import NotFound, NotPermitted
from phoenix_dma.v1 import governance_pb2
from tests.e2e.approvals.test_18_four_eyes import PARTICIPANT, REVIEWER, Cast
from tests.e2e.scenarios.scenario import STEWARD, Scenario
from tests.support.waiting.until import until

ALICE = "human.alice"
CAPABILITY = "duplicate_detection"


async def minted(cast: Cast, name: str) -> RuntimeApi:
    """A person as whom the operator's enrolment gets a credential."""
    wanted = {"participant_id": name, "owner": name, "participant_type": "human"}
    return await cast.api(cast.scenario.profile, **wanted, roles=[REVIEWER])


async def refused(certifier: RuntimeApi) -> str:
    with pytest.raises(NotPermitted) as error:
        await certifier.certify(STEWARD, CAPABILITY, evidence="it is good")
    return error.value.text


@pytest.mark.parametrize("runs_with", ["a profile of its own", "the operator's profile"])
async def test_people_of_one_enrolment_do_not_certify_each_others_agents(
    scenario: Scenario, runs_with: str
) -> None:
    cast, operator = Cast(scenario), await scenario.operator()
    alice, bob = await minted(cast, ALICE), await minted(cast, "human.bob")
    for person in (alice, bob):
        await person.get_catalogue()  # the first call of each gets a credential
    own = await cast.profile(operator, kind=PARTICIPANT, identity=STEWARD, owner=ALICE)
    with_own = runs_with == "a profile of its own"
    await cast.agent(own if with_own else scenario.profile, owner=ALICE)

    await until(lambda: _known(operator))
    assert "Nobody certifies what they own" in await refused(alice)
    for puppet in (bob, operator, await cast.person(operator, "human.ordered")):
        assert "by a credential of their own" in await refused(puppet)
    events = await scenario.events("ACCESS_REFUSED")
    assert {event.reason_code for event in events} == {"credential_misused", "same_descent"}
    asked = governance_pb2.ListCertificationsRequest(participant_id=STEWARD)
    listed = await operator.ask(operator.stubs.governance.ListCertifications, asked)
    assert not listed.certifications


async def _known(operator: RuntimeApi) -> bool:
    """Whether governance knows of the registration, which follows the enrolments in the ledger."""
    asked = governance_pb2.GetTrustScoreRequest(participant_id=STEWARD)
    try:
        await operator.ask(operator.stubs.governance.GetTrustScore, asked)
    except NotFound:
        return False
    return True

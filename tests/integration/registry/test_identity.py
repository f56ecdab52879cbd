import json
from datetime import timedelta
from typing import Any

import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError

from phoenix_dma.v1 import identity_pb2
from tests.integration.registry.conftest import STEWARD, Registry
from tests.integration.registry.test_standing import (
    begin_retirement,
    finish_retirement,
    refused,
    reinstate,
    suspend,
)
from tests.support.builders.keys import bearer


def enrolment(registry: Registry, *roles: str, **claims: Any) -> Any:
    said = {"audience": "phoenix-dma-enrol", "sub": "operator", "may_enrol": ["agent.*"], **claims}
    return registry.person(*roles, **said)


async def enrol(registry: Registry, metadata: Any = None, **fields: Any) -> Any:
    said = {"participant_id": STEWARD, "owner": "data-governance", **fields}
    return await registry.identity.Enrol(
        identity_pb2.EnrolRequest(**said), metadata=metadata or enrolment(registry, "operator")
    )


async def test_an_enrolment_is_exchanged_for_a_credential_that_registers(
    registry: Registry,
) -> None:
    answer = await enrol(registry)
    mine = bearer(answer.credential)
    registered = await registry.register(metadata_of_call=mine)
    assert registered.participant.id == STEWARD
    [event] = await registry.events()
    assert event["actor"] == STEWARD
    found = await refused(suspend(registry, mine))
    assert found.reason == "NOT_PERMITTED", "the operator's roles do not pass on"


async def test_an_enrolment_opens_nothing_but_enrol(registry: Registry) -> None:
    found = await refused(registry.register(metadata_of_call=enrolment(registry, "operator")))
    assert found.reason == "CREDENTIAL_INVALID"
    found = await refused(enrol(registry, registry.person("operator")))
    assert found.reason == "CREDENTIAL_INVALID"


@pytest.mark.parametrize(
    "fields",
    [
        {"participant_id": "service.other"},
        {"roles": [6]},
        {"participant_id": "", "owner": "", "roles": [6]},
    ],
)
async def test_an_enrolment_gives_no_more_than_it_holds(
    registry: Registry, fields: dict[str, Any]
) -> None:
    assert (await refused(enrol(registry, **fields))).reason == "NOT_PERMITTED"
    assert len(await registry.events("ACCESS_REFUSED")) == 1


async def test_an_id_is_not_enrolled_for_another_owner_or_type(registry: Registry) -> None:
    await registry.register()
    for fields in ({"owner": "somebody"}, {"participant_type": "service"}):
        assert (await refused(enrol(registry, **fields))).reason == "NOT_PERMITTED"
    assert (await enrol(registry)).credential


async def test_the_suspended_and_the_retired_get_no_credential(registry: Registry) -> None:
    async def renew() -> Any:
        request = identity_pb2.RenewCredentialRequest()
        return await registry.identity.RenewCredential(request, metadata=registry.participant())

    await registry.register()
    assert (await renew()).credential
    await suspend(registry)
    assert (await refused(renew())).reason == "NOT_PERMITTED"
    assert (await refused(enrol(registry))).reason == "NOT_PERMITTED"
    await reinstate(registry)
    assert (await renew()).credential
    await begin_retirement(registry)
    assert (await renew()).credential, "it has to finish what it has"
    await finish_retirement(registry)
    assert (await refused(renew())).reason == "NOT_PERMITTED"


async def test_a_person_gets_the_roles_of_its_enrolment(registry: Registry) -> None:
    answer = await enrol(
        registry, enrolment(registry, "operator", "auditor"), participant_id="", owner=""
    )
    await registry.register()
    assert (await suspend(registry, bearer(answer.credential))).participant.id == STEWARD


async def test_anybody_may_have_the_public_keys(registry: Registry) -> None:
    answer = await registry.identity.GetJwks(identity_pb2.GetJwksRequest())
    [key] = json.loads(answer.jwks)["keys"]
    assert key["crv"] == "Ed25519"
    assert "d" not in key


async def test_an_expired_credential_is_refused(registry: Registry) -> None:
    call = registry.register(
        metadata_of_call=registry.participant(STEWARD, life=timedelta(minutes=-10))
    )
    with pytest.raises(AioRpcError) as error:
        await call
    assert error.value.code() is StatusCode.UNAUTHENTICATED

"""Agent Cards of participants: what they say, who has signed them, and who is registered by one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from a2a.types import AgentCard
from google.protobuf.json_format import MessageToDict
from joserfc.jwk import OKPKey
from jwt import PyJWK

from phoenix_dma.adapters.a2a import (
    GOVERNANCE,
    CardRefused,
    Signer,
    agent_card,
    register_from_card,
    sign,
    verified_by,
)
from phoenix_dma.adapters.a2a.cards import governance_of
from phoenix_dma.aio.client import AsyncPhoenixClient
from phoenix_dma.profile import read_profile
from phoenix_dma.testing import Phoenix
from phoenix_dma.v1 import governance_pb2, registry_pb2

URL = "https://agents.example.com/a2a"
AGENT = "agent.reviewer"
WORK: dict[str, Any] = {
    "owner": "data-governance",
    "capabilities": ["customer_validation", "duplicate_detection"],
    "data_domains": ["customer_master"],
    "permissions": ["read_customer_master"],
}


def key_pair(kid: str) -> tuple[PyJWK, PyJWK]:
    """A private key and its public half."""
    made = OKPKey.generate_key("Ed25519", {"use": "sig", "alg": "EdDSA", "kid": kid})
    private, public = made.as_dict(private=True), made.as_dict(private=False)
    return PyJWK.from_dict(dict(private)), PyJWK.from_dict(dict(public))


PRIVATE, PUBLIC = key_pair("partner.1")
OTHERS, _ = key_pair("partner.1")
SIGNERS = {"partner.1": Signer(PUBLIC, owner="partner")}


def params(card: AgentCard) -> dict[str, Any]:
    """What the governance extension says."""
    (extension,) = MessageToDict(card)["capabilities"]["extensions"]
    assert extension["uri"] == GOVERNANCE
    found: dict[str, Any] = extension["params"]
    return found


def test_a_card_names_no_certification_that_is_revoked_or_over() -> None:
    def certification(capability: str, **moments: int) -> governance_pb2.Certification:
        made = governance_pb2.Certification(capability=capability)
        for name, seconds in moments.items():
            getattr(made, name).FromSeconds(seconds)
        return made

    far = 4_000_000_000
    certificates = [
        certification("standing"),
        certification("for_long", expire_time=far),
        certification("over", expire_time=1),
        certification("revoked", expire_time=far, revoke_time=1),
    ]
    said = governance_of(registry_pb2.Participant(id=AGENT), certificates, "sha256:1")
    assert said["certified"] == ["for_long", "standing"]


async def card_of(phoenix: Phoenix) -> AgentCard:
    """The signed card of an agent that takes part."""
    await asyncio.to_thread(lambda: phoenix.join(AGENT, **WORK))
    async with AsyncPhoenixClient(profile=phoenix.client.aio.profile) as operator:
        return sign(await agent_card(operator.api, AGENT, URL), PRIVATE)


async def test_a_card_says_what_the_registry_and_policy_know(phoenix: Phoenix) -> None:
    await asyncio.to_thread(lambda: phoenix.join(AGENT, **WORK))
    judge = phoenix.enrol_person("human.judge", "operator")
    async with AsyncPhoenixClient(profile=read_profile(judge)) as operator:
        await operator.api.certify(AGENT, "duplicate_detection", evidence="looked at it")
        card = await agent_card(operator.api, AGENT, URL)
        revision = (await operator.api.get_catalogue()).policy_revision
    said = params(card)
    assert (said["status"], said["certified"]) == ("active", ["duplicate_detection"])
    assert (said["participant"], said["policy_revision"]) == (AGENT, revision)
    assert [skill.id for skill in card.skills] == said["capabilities"] == WORK["capabilities"]
    assert [one.url for one in card.supported_interfaces] == [URL]
    assert verified_by(sign(card, PRIVATE), SIGNERS).owner == "partner"


async def test_whom_a_signed_card_describes_is_registered_under_the_signers_owner(
    phoenix: Phoenix,
) -> None:
    card = await card_of(phoenix)
    card.ClearField("signatures")
    card.name = "agent.elsewhere"
    signed = sign(card, PRIVATE)
    profile = await asyncio.to_thread(
        phoenix.enrol_participant, "agent.elsewhere", "agent", "partner"
    )
    async with AsyncPhoenixClient(profile=read_profile(profile)) as client:
        answer = await register_from_card(
            client, signed, SIGNERS, data_domains=WORK["data_domains"]
        )
    found = answer.participant
    assert (found.id, found.owner, found.endpoint) == ("agent.elsewhere", "partner", URL)
    assert sorted(found.capabilities) == WORK["capabilities"]
    assert list(found.permissions) == [], "a card grants nothing"
    assert dict(dict(found.metadata)["a2a"])["kid"] == "partner.1"


def renamed(card: AgentCard) -> None:
    card.name = "agent.somebody.else"


def promoted(card: AgentCard) -> None:
    card.capabilities.extensions[0].params["certified"] = ["record_merge"]


def unsigned(card: AgentCard) -> None:
    card.ClearField("signatures")


def signed_by_another(card: AgentCard) -> None:
    card.ClearField("signatures")
    card.CopyFrom(sign(card, OTHERS))


@pytest.mark.parametrize("change", [renamed, promoted, unsigned, signed_by_another])
async def test_a_card_that_is_not_as_a_configured_key_signed_it_registers_nobody(
    phoenix: Phoenix, change: Callable[[AgentCard], None]
) -> None:
    card = await card_of(phoenix)
    change(card)
    profile = await asyncio.to_thread(phoenix.enrol_participant, "agent.forged")
    async with AsyncPhoenixClient(profile=read_profile(profile)) as client:
        with pytest.raises(CardRefused, match=r"keys: partner\.1"):
            await register_from_card(client, card, SIGNERS)
        assert client.participant is None


def test_a_key_that_is_not_configured_verifies_nothing() -> None:
    card = sign(AgentCard(name="a", version="1"), PRIVATE)
    with pytest.raises(CardRefused, match="none is configured"):
        verified_by(card, {})
    with pytest.raises(CardRefused):
        verified_by(card, {"another": Signer(PUBLIC, owner="partner")})


def test_no_card_is_signed_with_a_secret_that_its_readers_share() -> None:
    secret = PyJWK.from_json(json.dumps({"kty": "oct", "k": "c2VjcmV0", "kid": "s"}))
    with pytest.raises(ValueError, match="shared secret"):
        sign(AgentCard(name="a"), secret)

"""Agent Cards of participants: what the registry knows of one, in A2A's words, and signed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Final, cast

from a2a.types import (
    AgentCapabilities,
    AgentCard,
    AgentExtension,
    AgentInterface,
    AgentProvider,
    AgentSkill,
)
from a2a.utils.signing import ProtectedHeader, create_agent_card_signer
from jwt import PyJWK

from phoenix_dma.aio.runtime_api import RuntimeApi
from phoenix_dma.v1 import governance_pb2, registry_pb2
from phoenix_dma.wire.conversions import short, struct_of, time_of

GOVERNANCE: Final = "urn:phoenix-dma:a2a:governance:1"
"""The extension of a card that says how its agent is governed; `governance_of` are its params."""
PROTOCOL: Final = "1.0"


async def agent_card(
    api: RuntimeApi, participant_id: str, url: str, *, binding: str = "JSONRPC"
) -> AgentCard:
    """The card of a participant as the registry knows it now; ``url`` is where A2A reaches it.

    Its skills are the granted capabilities; the governance extension says its standing, what is
    certified, and by which revision of policy. It is as of now: a reader asks for a new one.
    Raises `NotFound`, `NotPermitted`.
    """
    found = await api.get_participant(participant_id)
    request = governance_pb2.ListCertificationsRequest(participant_id=participant_id)
    method = api.stubs.governance.ListCertifications
    certificates = await api.pages(method, request, "certifications", None)
    catalogue = await api.get_catalogue()
    params = governance_of(found, certificates, catalogue.policy_revision)
    extension = AgentExtension(
        uri=GOVERNANCE,
        description="How Phoenix DMA governs this agent: standing, certifications, policy.",
        params=struct_of(params),
    )
    return AgentCard(
        name=found.id,
        description=f"{found.type} of {found.owner}, governed by Phoenix DMA",
        version=version("phoenix-dma"),
        provider=AgentProvider(organization=found.owner, url=url),
        supported_interfaces=[
            AgentInterface(url=url, protocol_binding=binding, protocol_version=PROTOCOL)
        ],
        capabilities=AgentCapabilities(extensions=[extension]),
        default_input_modes=["application/json"],
        default_output_modes=["application/json"],
        skills=[_skill(one, found.data_domains) for one in found.capabilities],
    )


def governance_of(
    found: registry_pb2.Participant,
    certificates: Sequence[governance_pb2.Certification],
    policy_revision: str,
) -> dict[str, Any]:
    """What the governance extension says: facts of the registry, never what was declared."""
    now = datetime.now(UTC)
    held = [one for one in certificates if _holds(one, now)]
    return {
        "participant": found.id,
        "type": found.type,
        "owner": found.owner,
        "status": short(registry_pb2.ParticipantStatus, found.status),
        "standing_revision": found.standing_revision,
        "generation": found.generation,
        "capabilities": sorted(found.capabilities),
        "certified": sorted({one.capability for one in held if one.capability}),
        "data_domains": sorted(found.data_domains),
        "policy_revision": policy_revision,
        "as_of": now.isoformat(timespec="seconds"),
    }


def sign(card: AgentCard, key: PyJWK) -> AgentCard:
    """The card, signed with a private key of an asymmetric algorithm; its ``kid`` names it.

    Raises ValueError for a key without an id, or of an algorithm that whoever verifies could sign
    with as well.
    """
    if not key.key_id:
        raise ValueError("the key has no kid, so nobody would know by which key to verify")
    if key.algorithm_name.startswith("HS"):
        raise ValueError(f"{key.algorithm_name} is a shared secret; use Ed25519, EC or RSA")
    header = {"kid": key.key_id, "alg": key.algorithm_name, "typ": "JOSE"}
    made = AgentCard()
    made.CopyFrom(card)
    return create_agent_card_signer(key, cast("ProtectedHeader", header))(made)


def _holds(certificate: governance_pb2.Certification, now: datetime) -> bool:
    """Whether a certification counts: neither revoked nor over."""
    if certificate.HasField("revoke_time"):
        return False
    return not certificate.HasField("expire_time") or time_of(certificate.expire_time) > now


def _skill(capability: str, domains: Sequence[str]) -> AgentSkill:
    return AgentSkill(
        id=capability,
        name=capability,
        description=f"{capability} on {', '.join(domains) or 'no governed data'}",
        tags=list(domains),
    )

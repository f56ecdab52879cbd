"""Registers whom a signed Agent Card describes, by keys that the operator configured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Unpack

from a2a.types import AgentCard
from a2a.utils.signing import SignatureVerificationError, create_signature_verifier
from google.protobuf.json_format import MessageToDict
from jwt import PyJWK
from jwt.exceptions import InvalidKeyError

from phoenix_dma.adapters.a2a.cards import GOVERNANCE
from phoenix_dma.aio.client import AsyncPhoenixClient
from phoenix_dma.declare import ParticipantFields
from phoenix_dma.errors import PhoenixError
from phoenix_dma.v1 import registry_pb2
from phoenix_dma.wire.canonical_json import content_hash

ALGORITHMS: Final = ["EdDSA", "ES256", "ES384", "ES512", "RS256", "PS256"]
"""Of these whoever verifies cannot sign."""


class CardRefused(PhoenixError):
    """An Agent Card is signed by nobody who was configured, or says what its signer may not."""

    reason = "CARD_REFUSED"
    remedy = "Ask for a card that one of the configured keys has signed, as it was signed."


@dataclass(frozen=True, slots=True)
class Signer:
    """A key that the operator trusts, and the owner for whose participants it speaks."""

    key: PyJWK
    owner: str


def verified_by(card: AgentCard, signers: Mapping[str, Signer]) -> Signer:
    """The signer, of those by ``kid``, who has signed the card; raises `CardRefused`.

    A signature that names where its key is to be had (``jku``) is judged by its ``kid`` alone:
    nothing is fetched.
    """
    for kid, signer in signers.items():
        try:
            create_signature_verifier(_only(kid, signer), ALGORITHMS)(card)
        except SignatureVerificationError:
            continue
        return signer
    known = ", ".join(sorted(signers)) or "none is configured"
    raise CardRefused(f"No configured key has signed the card of {card.name!r}; keys: {known}")


async def register_from_card(
    client: AsyncPhoenixClient,
    card: AgentCard,
    signers: Mapping[str, Signer],
    **fields: Unpack[ParticipantFields],
) -> registry_pb2.RegisterParticipantResponse:
    """Register whom the card describes as ``client``'s participant; raises `CardRefused`.

    The card's name is its id and its skills are what it claims; policy grants. The owner is the
    signer's, whatever the card says. ``fields`` are the others of every participant, such as data
    domains and permissions, which no card claims. What the governance extension of another runtime
    says is kept as a claim in the metadata, and grants nothing. The client keeps the participant
    present, and its handlers pass tasks on. Also raises what `register_participant` raises.
    """
    signer = verified_by(card, signers)
    taken = {"id", "owner", "capabilities", "endpoint"} & set(fields)
    if taken:
        raise TypeError(f"{', '.join(sorted(taken))}: that is what the card and its signer say")
    document = MessageToDict(card)
    told: dict[str, Any] = {"card": content_hash(document), "kid": signer.key.key_id or ""}
    claimed = [dict(e.params) for e in card.capabilities.extensions if e.uri == GOVERNANCE]
    if claimed:
        told["governance"] = claimed[0]
    made: ParticipantFields = {
        "type": "agent",
        **fields,
        "id": card.name,
        "owner": signer.owner,
        "capabilities": [skill.id for skill in card.skills],
        "endpoint": next((one.url for one in card.supported_interfaces), ""),
        "metadata": {**fields.get("metadata", {}), "a2a": told},
    }
    return await client.register_participant(**made)


def _only(kid: str, signer: Signer) -> Any:
    """Gives the key of one signer, and refuses every other id."""

    def key(named: str | None, _: str | None) -> PyJWK:
        if named != kid:
            raise InvalidKeyError(f"not signed with {kid}")
        return signer.key

    return key

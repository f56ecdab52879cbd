"""Converts standings to messages and back."""

from phoenix_dma.v1 import registry_pb2
from phoenix_runtime.chassis.rpc.conversions import (
    grants_from_pb,
    grants_to_pb,
    number,
    seconds_from_pb,
    seconds_to_pb,
    short,
)
from phoenix_runtime.core.standing import Liveness, ParticipantStatus, Standing


def standing_to_pb(standing: Standing) -> registry_pb2.Standing:
    """A standing as assignment reads it."""
    return registry_pb2.Standing(
        participant_id=standing.participant_id,
        status=number(registry_pb2.ParticipantStatus, standing.status),
        standing_revision=standing.standing_revision,
        generation=standing.generation,
        type=standing.type,
        owner=standing.owner,
        capacity=standing.capacity,
        grants=grants_to_pb(standing.grants),
        cost=standing.cost,
        load=standing.load,
        suspect=standing.suspect,
        liveness=number(registry_pb2.Liveness, standing.liveness),
        trust_policy=standing.trust_policy,
        status_reason=standing.status_reason,
        latency=seconds_to_pb(standing.latency),
        credential=standing.credential,
    )


def standing_from_pb(standing: registry_pb2.Standing) -> Standing:
    """The standing that the registry answered."""
    return Standing(
        participant_id=standing.participant_id,
        status=ParticipantStatus(short(registry_pb2.ParticipantStatus, standing.status)),
        standing_revision=standing.standing_revision,
        generation=standing.generation,
        type=standing.type,
        owner=standing.owner,
        capacity=standing.capacity,
        grants=grants_from_pb(standing.grants),
        liveness=Liveness(short(registry_pb2.Liveness, standing.liveness)),
        trust_policy=standing.trust_policy,
        status_reason=standing.status_reason,
        cost=standing.cost if standing.HasField("cost") else None,
        load=standing.load if standing.HasField("load") else None,
        latency=seconds_from_pb(standing, "latency"),
        suspect=standing.suspect,
        credential=standing.credential,
    )

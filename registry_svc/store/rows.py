"""Between rows and the domain's values. The driver reads jsonb as values and writes it as text."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from phoenix_runtime.core.directives import Directive
from phoenix_runtime.core.documents import directive_of
from phoenix_runtime.core.standing import ParticipantStatus
from phoenix_runtime.core.verdict import Grants, Refusal
from registry_svc.domain.declaration import claims_document, declaration_from
from registry_svc.domain.graph import Edge, EdgeKind
from registry_svc.domain.participant import Participant

COLUMNS: Final = (
    "id, status, status_reason, generation, standing_revision, version, capabilities,"
    " data_domains, permissions, refused, declared, retirement_id, created_at, updated_at"
)
"""What `participant_of` reads."""


def participant_of(row: Mapping[str, Any]) -> Participant:
    """The participant of a row."""
    return Participant(
        declaration=declaration_from(row["declared"]),
        status=ParticipantStatus(row["status"]),
        status_reason=row["status_reason"],
        grants=Grants(
            capabilities=frozenset(row["capabilities"]),
            data_domains=frozenset(row["data_domains"]),
            permissions=frozenset(row["permissions"]),
            refused=tuple(
                Refusal(one["kind"], one["name"], one["reason"]) for one in row["refused"]
            ),
        ),
        generation=row["generation"],
        standing_revision=row["standing_revision"],
        version=row["version"],
        retirement_id=row["retirement_id"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def participant_values(participant: Participant) -> list[Any]:
    """The values of a whole row, in the order of `sql.PARTICIPANT_COLUMNS`."""
    declared, grants = participant.declaration, participant.grants
    refused = [{"kind": r.kind, "name": r.name, "reason": r.reason} for r in grants.refused]
    return [
        participant.id,
        declared.type,
        declared.owner,
        participant.status.value,
        participant.status_reason,
        participant.liveness.value,
        declared.effective_trust_policy,
        declared.capacity,
        declared.cost,
        participant.generation,
        participant.standing_revision,
        participant.version,
        sorted(grants.capabilities),
        sorted(grants.data_domains),
        sorted(grants.permissions),
        list(declared.task_types),
        json.dumps(refused),
        json.dumps(claims_document(declared)),
        participant.retirement_id,
        participant.created_at,
        participant.updated_at,
    ]


def edge_columns(edges: Sequence[Edge]) -> list[list[Any]]:
    """Edges of one participant as the arrays that ``unnest`` takes."""
    return [
        [edge.kind.value for edge in edges],
        [edge.name for edge in edges],
        [edge.granted for edge in edges],
        [edge.refused_because for edge in edges],
    ]


def edge_of(row: Mapping[str, Any]) -> Edge:
    """The edge of a row."""
    return Edge(
        participant_id=row["participant_id"],
        kind=EdgeKind(row["kind"]),
        name=row["name"],
        granted=row["granted"],
        refused_because=row["refused_because"],
    )


def directive_from(row: Mapping[str, Any]) -> Directive:
    """The directive of a row."""
    return directive_of(row["document"])
